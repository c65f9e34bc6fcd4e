//! What decides in one organization: policies, entities, and how a question becomes a request.

use std::collections::BTreeMap;
use std::sync::Arc;

use cedar_policy::{
    Authorizer, Context, Entities, EntityId, EntityTypeName, EntityUid, PolicyId, PolicySet,
    Request, Response, RestrictedExpression,
};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;

use super::super::resolver::{Action, Actor, Decision, Reason, Resource};

/// Policies and entities of one organization at one revision. Cheap to clone.
///
/// Other types and functions of [`cedar_policy`] check them against a schema before they come here.
#[derive(Clone, Debug)]
pub struct CedarPolicies {
    revision: u64,
    policies: Arc<PolicySet>,
    entities: Arc<Entities>,
    context: BTreeMap<String, RestrictedExpression>,
    types: Types,
}

/// The entity types of principals and actions.
#[derive(Clone, Debug)]
struct Types {
    namespace: String,
    host: EntityTypeName,
    user: EntityTypeName,
    service: EntityTypeName,
    action: EntityTypeName,
}

impl Types {
    fn within(namespace: String) -> Result<Self> {
        Ok(Self {
            host: named(&namespace, "Host")?,
            user: named(&namespace, "User")?,
            service: named(&namespace, "Service")?,
            action: named(&namespace, "Action")?,
            namespace,
        })
    }
}

fn named(namespace: &str, kind: &str) -> Result<EntityTypeName> {
    let name = format!("{namespace}{kind}");
    name.parse().map_err(|cause| {
        invalid("this is no name of an entity type")
            .with_context("found", name)
            .with_source(cause)
    })
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidInput, "permission.cedar", message)
}

impl CedarPolicies {
    /// Takes policies and entities as they are at `revision`.
    ///
    /// # Errors
    /// None in practice: that the names of the entity types here are names.
    pub fn new(revision: u64, policies: PolicySet, entities: Entities) -> Result<Self> {
        Ok(Self {
            revision,
            policies: Arc::new(policies),
            entities: Arc::new(entities),
            context: BTreeMap::new(),
            types: Types::within(String::new())?,
        })
    }

    /// Reads policies as text and [entities as JSON](https://docs.cedarpolicy.com/auth/entities-syntax.html).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: either cannot be read.
    pub fn parse(revision: u64, policies: &str, entities: Value) -> Result<Self> {
        let policies: PolicySet = policies
            .parse()
            .map_err(|cause| invalid("these are no policies").with_source(cause))?;
        let entities = Entities::from_json_value(entities, None)
            .map_err(|cause| invalid("these are no entities").with_source(cause))?;
        Self::new(revision, policies, entities)
    }

    /// Puts a value of the host's into the context of every request; it replaces one of the same name, `organization` and `now`
    /// excepted, which are always those of the question.
    #[must_use]
    pub fn with_context(mut self, name: impl Into<String>, value: RestrictedExpression) -> Self {
        self.context.insert(name.into(), value);
        self
    }

    /// Looks for all entity types in a namespace, as `Studio` for `Studio::User`. Default: none.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: this is no namespace.
    pub fn with_namespace(mut self, namespace: &str) -> Result<Self> {
        self.types = Types::within(format!("{namespace}::"))?;
        Ok(self)
    }

    /// Returns of which revision they are.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn decide(
        &self,
        organization: &OrganizationId,
        now: Timestamp,
        actor: &Actor,
        action: &Action,
        resources: &[Resource],
    ) -> Vec<Decision> {
        let mut decisions = self.ask(organization, now, actor, action, resources);
        for decision in &mut decisions {
            // Cedar does not tell when time would change an answer, so none is to be kept.
            decision.valid_until = now.as_millis().checked_add(1).map(Timestamp::from_millis);
        }
        decisions
    }

    fn ask(
        &self,
        organization: &OrganizationId,
        now: Timestamp,
        actor: &Actor,
        action: &Action,
        resources: &[Resource],
    ) -> Vec<Decision> {
        let Some(context) = self.context(organization, now) else {
            let text = "the context of the question cannot be built";
            return vec![Decision::deny(Reason::new("cedar_context", text)); resources.len()];
        };
        let principal = match actor {
            Actor::Host => uid(&self.types.host, "host"),
            Actor::User(id) => uid(&self.types.user, id),
            Actor::Service(id) => uid(&self.types.service, id),
        };
        let action = uid(&self.types.action, action.as_str());
        let mut kinds: BTreeMap<&str, Option<EntityTypeName>> = BTreeMap::new();
        let mut decisions = Vec::with_capacity(resources.len());
        for resource in resources {
            let kind = kinds
                .entry(&resource.kind)
                .or_insert_with(|| named(&self.types.namespace, &resource.kind).ok());
            let Some(kind) = kind else {
                let text = "this kind of resource has no name in Cedar";
                decisions.push(Decision::deny(Reason::new("cedar_kind", text)));
                continue;
            };
            let (principal, action) = (principal.clone(), action.clone());
            let request = Request::new(
                principal,
                action,
                uid(kind, &resource.id),
                context.clone(),
                None,
            );
            decisions.push(match request {
                Ok(request) => {
                    let authorizer = Authorizer::new();
                    self.told(&authorizer.is_authorized(&request, &self.policies, &self.entities))
                }
                Err(error) => Decision::deny(Reason::new("cedar_request", error.to_string())),
            });
        }
        decisions
    }

    fn context(&self, organization: &OrganizationId, now: Timestamp) -> Option<Context> {
        let mut pairs = self.context.clone();
        let text = RestrictedExpression::new_string(organization.as_str().to_owned());
        pairs.insert("organization".into(), text);
        let now = RestrictedExpression::new_datetime(now.to_string());
        pairs.insert("now".into(), now);
        Context::from_pairs(pairs).ok()
    }

    /// What Cedar answered; any policy that could not be evaluated denies.
    fn told(&self, answer: &Response) -> Decision {
        let diagnostics = answer.diagnostics();
        let failed: Vec<_> = diagnostics
            .errors()
            .map(
                |cedar_policy::AuthorizationError::PolicyEvaluationError(error)| {
                    self.name(error.policy_id())
                },
            )
            .collect();
        if !failed.is_empty() {
            let text = format!("cannot be evaluated: {}", listed(failed));
            return Decision::deny(Reason::new("cedar_error", text));
        }
        let named = listed(diagnostics.reason().map(|id| self.name(id)).collect());
        match answer.decision() {
            cedar_policy::Decision::Allow => {
                Decision::allow(Reason::new("cedar_permit", format!("permitted by {named}")))
            }
            cedar_policy::Decision::Deny if named.is_empty() => {
                Decision::deny(Reason::new("cedar_no_permit", "no policy permits it"))
            }
            cedar_policy::Decision::Deny => {
                Decision::deny(Reason::new("cedar_forbid", format!("forbidden by {named}")))
            }
        }
    }

    /// The policy's annotation `@id`, or the id it has in its set.
    fn name(&self, id: &PolicyId) -> String {
        let annotated = self.policies.annotation(id, "id");
        annotated.map_or_else(|| id.to_string(), str::to_owned)
    }
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

fn listed(mut names: Vec<String>) -> String {
    names.sort_unstable();
    names.join(", ")
}
