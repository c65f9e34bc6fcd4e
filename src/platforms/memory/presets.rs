//! Presets of an account in memory, and the jobs that lay them on pictures.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::connector::{
    DevelopJobId, DevelopOutcome, DevelopOutput, DevelopRequest, DevelopResult, DevelopStatus,
    FilePath, IdempotencyKey, Page, PageCursor, Preset, PresetId, PresetProcessor,
};
use crate::error::{Error, ErrorKind, Result};

use super::account::MemoryPlatform;
use super::options::MemoryOptions;
use super::paging::{Keys, missing, page};
use super::state::{Incoming, State};

const PRESETS: [&str; 3] = ["Warm film", "Black and white", "Golden hour"];

/// All jobs that were ever handed in.
#[derive(Debug, Default)]
pub(super) struct Darkroom {
    jobs: BTreeMap<DevelopJobId, Work>,
    keys: Keys<DevelopRequest, DevelopJobId>,
}

#[derive(Clone, Debug)]
struct Work {
    request: DevelopRequest,
    /// How often somebody asked.
    asked: u32,
    end: Option<DevelopStatus>,
}

#[async_trait]
impl PresetProcessor for MemoryPlatform {
    async fn presets(&self, after: Option<&PageCursor>) -> Result<Page<Preset>> {
        page(presets(), after, self.options().page_size, "memory.presets")
    }

    async fn develop(
        &self,
        key: &IdempotencyKey,
        request: &DevelopRequest,
    ) -> Result<DevelopJobId> {
        let operation = "memory.develop";
        let mut state = self.state();
        if let Some(job) = state.darkroom.keys.find(key, request, operation)? {
            return Ok(job);
        }
        if request.files.is_empty() {
            let message = "a job has at least one file";
            return Err(Error::new(ErrorKind::InvalidInput, operation, message));
        }
        if let Some(preset) = &request.preset
            && !presets().iter().any(|known| known.id == *preset)
        {
            return Err(missing(operation, "preset", preset));
        }
        let is_missing = |file: &&FilePath| state.find(self.options(), file.as_str()).is_none();
        if let Some(file) = request.files.iter().find(is_missing) {
            return Err(missing(operation, "path", file));
        }
        let job = DevelopJobId::new(format!("develop-{}", state.tick()));
        let work = Work {
            request: request.clone(),
            asked: 0,
            end: None,
        };
        let darkroom = &mut state.darkroom;
        darkroom.jobs.insert(job.clone(), work);
        darkroom
            .keys
            .keep(key.clone(), request.clone(), job.clone());
        Ok(job)
    }

    async fn develop_status(&self, job: &DevelopJobId) -> Result<DevelopStatus> {
        let mut state = self.state();
        let work = find(&mut state, job, "memory.develop_status")?;
        if let Some(end) = &work.end {
            return Ok(end.clone());
        }
        work.asked += 1;
        let (asked, steps) = (work.asked, self.options().job_steps);
        if asked <= steps {
            let total = work.request.files.len() as u64;
            let done = total.saturating_mul(u64::from(asked - 1)) / u64::from(steps);
            return Ok(match asked {
                1 => DevelopStatus::Queued,
                _ => DevelopStatus::Running { done, total },
            });
        }
        let request = work.request.clone();
        let files = request.files.iter();
        let outcomes = files.map(|file| {
            let result = finish(&mut state, self.options(), file, request.output);
            DevelopOutcome::new(file.clone(), result)
        });
        let end = DevelopStatus::Finished(outcomes.collect());
        find(&mut state, job, "memory.develop_status")?.end = Some(end.clone());
        Ok(end)
    }

    async fn cancel_develop(&self, job: &DevelopJobId) -> Result<()> {
        let operation = "memory.cancel_develop";
        let mut state = self.state();
        let work = find(&mut state, job, operation)?;
        match &work.end {
            Some(DevelopStatus::Cancelled) => {}
            Some(_) => {
                let message = "the job has come to its end";
                return Err(Error::new(ErrorKind::Conflict, operation, message));
            }
            None => work.end = Some(DevelopStatus::Cancelled),
        }
        Ok(())
    }
}

fn presets() -> Vec<Preset> {
    let numbered = PRESETS.iter().enumerate();
    numbered
        .map(|(number, name)| Preset::new(PresetId::new(format!("preset-{number}")), *name))
        .collect()
}

fn find<'a>(
    state: &'a mut State,
    job: &DevelopJobId,
    operation: &'static str,
) -> Result<&'a mut Work> {
    let work = state.darkroom.jobs.get_mut(job);
    work.ok_or_else(|| missing(operation, "job", job))
}

/// Writes what came of one file beside it.
fn finish(
    state: &mut State,
    options: &MemoryOptions,
    file: &FilePath,
    output: DevelopOutput,
) -> DevelopResult {
    let operation = "memory.develop";
    let ending = match output {
        DevelopOutput::Sidecar => "xmp",
        DevelopOutput::Jpeg => "jpg",
        DevelopOutput::Tiff => "tif",
        DevelopOutput::Dng => "dng",
    };
    let mut write = || -> Result<FilePath> {
        let Some(stored) = state.find(options, file.as_str()) else {
            return Err(missing(operation, "path", file));
        };
        let mut incoming = stored.incoming(format!("{file}.{ending}").parse()?);
        if output == DevelopOutput::Sidecar {
            incoming.content = "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>".into();
        }
        let placed = state.place(
            options,
            Incoming {
                modified: None,
                ..incoming
            },
            operation,
        )?;
        Ok(placed.path)
    };
    match write() {
        Ok(path) => DevelopResult::File(path),
        Err(error) => DevelopResult::Failed {
            kind: error.kind(),
            message: error.to_string(),
        },
    }
}
