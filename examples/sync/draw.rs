//! Drawing the events of a run.

use std::time::Duration;

use garland::SyncRun;
use garland::sync::{Phase, Progress, SyncEvent};
use indicatif::{DecimalBytes, HumanDuration, ProgressBar, ProgressStyle};

/// Draws a run until it is over. Where there is no terminal, nothing is drawn.
pub(crate) async fn draw(run: &mut SyncRun) {
    let mut bar: Option<ProgressBar> = None;
    while let Some(event) = run.next_event().await {
        match event {
            SyncEvent::Phase { phase } => {
                finish(bar.take());
                bar = Some(begin(phase));
            }
            SyncEvent::Listed {
                replica,
                files,
                incomplete,
            } => {
                let broke_off = if incomplete {
                    ", listing broke off"
                } else {
                    ""
                };
                say(
                    bar.as_ref(),
                    &format!("  {replica}: {files} files{broke_off}"),
                );
            }
            SyncEvent::Failed { path, message, .. } => {
                say(bar.as_ref(), &format!("  failed: {path}: {message}"));
            }
            SyncEvent::Progress(progress) => {
                if let Some(bar) = &bar {
                    update(bar, &progress);
                }
            }
            _ => {}
        }
    }
    finish(bar);
}

fn begin(phase: Phase) -> ProgressBar {
    let template = match phase {
        Phase::Resume | Phase::Scan | Phase::Plan => "{prefix:>8} {spinner} {msg}",
        _ => "{prefix:>8} [{bar:30}] {pos}/{len} files {msg}",
    };
    let style = ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    let bar = ProgressBar::new(0)
        .with_style(style)
        .with_prefix(phase.name());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn update(bar: &ProgressBar, progress: &Progress) {
    if progress.total_items.is_none() {
        let Progress {
            items,
            items_per_second,
            ..
        } = progress;
        return bar.set_message(format!("{items} files, {items_per_second:.0} files/s"));
    }
    bar.set_length(progress.total_items.unwrap_or(progress.items));
    bar.set_position(progress.items);
    let mut message = format!("{:.0} files/s", progress.items_per_second);
    if progress.phase == Phase::Copy {
        let rate = std::time::Duration::from_secs(1).mul_f64(progress.bytes_per_second.min(1e15));
        message = format!(
            "{} of {}, {}/s, {message}",
            DecimalBytes(progress.bytes),
            DecimalBytes(progress.total_bytes),
            DecimalBytes(rate.as_secs()),
        );
    }
    if let Some(eta) = progress.eta.filter(|eta| !eta.is_zero()) {
        message = format!("{message}, {:#} left", HumanDuration(eta));
    }
    bar.set_message(message);
}

fn finish(bar: Option<ProgressBar>) {
    if let Some(bar) = bar {
        // A phase without anything to do leaves no line behind.
        if bar.length().is_some_and(|length| length > 0) {
            bar.finish()
        } else {
            bar.finish_and_clear()
        }
    }
}

fn say(bar: Option<&ProgressBar>, line: &str) {
    if let Some(bar) = bar {
        bar.println(line);
    }
}
