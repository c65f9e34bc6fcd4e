//! Configurations taken as a pattern for another wedding.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::configuration::Configuration;
use super::group::Group;

/// The shared configurations of an organization, or of one wedding, as a pattern for other weddings.
///
/// It keeps the type and the four groups of each as they stand, restrictions and conditions too, also those that cannot
/// be read: a copy is never wider than what it was made from. Identity, metadata and everything else about the row stay
/// behind, and so do people's own [`Overlay`](super::Overlay)s, which are rows of their own.
///
/// # Example
///
/// ```
/// use garland::section::{Configuration, Template};
/// use serde_json::json;
///
/// let stored = Configuration::try_from(json!({
///     "id": "c1", "organizationId": "studio", "weddingId": "june", "sectionType": "timeline",
///     "visibility": { "roles": ["vendor"], "conditions": { "hasWeddingAccess": true } },
/// }))?;
/// let june = Template::of_wedding([&stored], "studio", "june");
/// let mut ids = ["c2"].into_iter();
/// let copies = june.instantiate("studio", Some("july"), || ids.next().unwrap_or_default().to_owned());
/// assert_eq!(copies[0].as_map()["id"], "c2");
/// assert_eq!(copies[0].wedding(), Some("july"));
/// assert_eq!(copies[0].as_map()["visibility"], stored.as_map()["visibility"]);
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Template(Vec<Configuration>);

impl Template {
    /// Takes those of `configurations` that are for the whole of `organization`.
    pub fn of_organization<'a>(
        configurations: impl IntoIterator<Item = &'a Configuration>,
        organization: &str,
    ) -> Self {
        Self::of(configurations, |found| {
            found.organization() == Some(organization) && !found.is_of_wedding()
        })
    }

    /// Takes those of `configurations` that are for one wedding of `organization`.
    pub fn of_wedding<'a>(
        configurations: impl IntoIterator<Item = &'a Configuration>,
        organization: &str,
        wedding: &str,
    ) -> Self {
        Self::of(configurations, |found| {
            found.organization() == Some(organization) && found.wedding() == Some(wedding)
        })
    }

    fn of<'a>(
        configurations: impl IntoIterator<Item = &'a Configuration>,
        wanted: impl Fn(&Configuration) -> bool,
    ) -> Self {
        let chosen = configurations.into_iter().filter(|found| wanted(found));
        Self(chosen.map(pattern).collect())
    }

    /// Returns how many configurations it makes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it makes none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Makes configurations for a wedding of `organization`, or for all of it if `wedding` is nothing, each with an id
    /// from `next_id`, which must give a new one every time.
    #[must_use]
    pub fn instantiate(
        &self,
        organization: &str,
        wedding: Option<&str>,
        mut next_id: impl FnMut() -> String,
    ) -> Vec<Configuration> {
        let instance = |pattern: &Configuration| {
            // Again by hand: a stored template may have been tampered with.
            let mut record = pattern_of(pattern);
            record.insert("id".into(), next_id().into());
            record.insert("organizationId".into(), organization.into());
            record.extend(wedding.map(|wedding| ("weddingId".to_owned(), Value::from(wedding))));
            Configuration::new(record)
        };
        self.0.iter().map(instance).collect()
    }

    /// Returns the type of each section, nothing where it cannot be read.
    pub(super) fn types(&self) -> impl Iterator<Item = Option<&str>> {
        self.0.iter().map(Configuration::section_type)
    }

    /// Returns the types of those sections that are open in a window of absolute time, which a copy keeps: somebody has
    /// to set it anew.
    pub fn time_bound(&self) -> impl Iterator<Item = &str> {
        let bound = self.0.iter().filter(|pattern| {
            let conditions = pattern
                .group(Group::Visibility)
                .and_then(|visibility| visibility.get("conditions"));
            conditions.is_some_and(|conditions| conditions.get("timeRestriction").is_some())
        });
        bound.filter_map(Configuration::section_type)
    }
}

fn pattern(configuration: &Configuration) -> Configuration {
    Configuration::new(pattern_of(configuration))
}

fn pattern_of(configuration: &Configuration) -> Map<String, Value> {
    let groups = Group::ALL.into_iter().map(Group::as_str);
    let kept = groups.chain(["sectionType"]).filter_map(|key| {
        let value = configuration.as_map().get(key)?;
        Some((key.to_owned(), value.clone()))
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stored() -> Vec<Configuration> {
        let rows = json!([
            { "id": "c1", "organizationId": "o", "sectionType": "timeline", "userId": "ann", "metadata": { "version": 7 },
              "visibility": { "roles": "admin" }, "layout": { "position": 1 } },
            { "id": "c2", "organizationId": "o", "weddingId": "w", "sectionType": "budget",
              "visibility": { "roles": ["couple"], "conditions": {
                  "timeRestriction": { "start": "2026-06-20T10:00:00Z", "end": "2026-06-21T10:00:00Z" } } } },
            { "id": "c3", "organizationId": "p", "weddingId": "w", "sectionType": "budget" },
            { "id": "c4", "organizationId": "o", "weddingId": 5, "sectionType": "photos" },
        ]);
        serde_json::from_value(rows).unwrap()
    }

    fn numbered() -> impl FnMut() -> String {
        let mut next = 0;
        move || {
            next += 1;
            format!("n{next}")
        }
    }

    #[test]
    fn only_the_shared_rows_of_the_organization_are_taken() {
        let template = Template::of_organization(&stored(), "o");
        let copies = template.instantiate("o", Some("x"), numbered());
        // What cannot be read stays unreadable, and goes on denying.
        let wanted = json!([{ "id": "n1", "organizationId": "o", "weddingId": "x", "sectionType": "timeline",
            "visibility": { "roles": "admin" }, "layout": { "position": 1 } }]);
        assert_eq!(serde_json::to_value(copies).unwrap(), wanted);
    }

    #[test]
    fn a_wedding_of_another_organization_is_not_taken() {
        let template = Template::of_wedding(&stored(), "o", "w");
        assert_eq!(template.len(), 1);
        assert_eq!(template.time_bound().collect::<Vec<_>>(), ["budget"]);
        let copies = template.instantiate("q", None, numbered());
        assert_eq!(copies[0].organization(), Some("q"));
        assert_eq!(copies[0].wedding(), None);
        assert_eq!(
            copies[0].group(Group::Visibility),
            stored()[1].group(Group::Visibility)
        );
    }

    #[test]
    fn a_stored_template_smuggles_nothing_in() {
        let stored = json!([{ "sectionType": "photos", "id": "c9", "organizationId": "p", "weddingId": "w", "metadata": 1 }]);
        let template: Template = serde_json::from_value(stored).unwrap();
        let copies = template.instantiate("o", None, numbered());
        let wanted = json!([{ "id": "n1", "organizationId": "o", "sectionType": "photos" }]);
        assert_eq!(serde_json::to_value(copies).unwrap(), wanted);
    }
}
