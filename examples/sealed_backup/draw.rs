//! Drawing a run.

use garland::SyncRun;
use garland::sync::SyncEvent;
use indicatif::{DecimalBytes, ProgressBar, ProgressStyle};

/// Draws a run until it is over. Where there is no terminal, nothing is drawn.
pub(crate) async fn draw(run: &mut SyncRun) {
    let style = ProgressStyle::with_template("{prefix:>8} [{bar:30}] {pos}/{len} files {msg}");
    let bar = ProgressBar::new(0);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    while let Some(event) = run.next_event().await {
        match event {
            SyncEvent::Phase { phase } => bar.set_prefix(phase.name()),
            SyncEvent::Progress(progress) => {
                bar.set_length(progress.total_items.unwrap_or(progress.items));
                bar.set_position(progress.items);
                let rate = progress.bytes_per_second.max(0.0).round();
                bar.set_message(format!(
                    "{} of {}, {:.1} MB/s",
                    DecimalBytes(progress.bytes),
                    DecimalBytes(progress.total_bytes),
                    rate / 1e6,
                ));
            }
            SyncEvent::Failed { path, message, .. } => {
                bar.println(format!("  failed: {path}: {message}"));
            }
            _ => {}
        }
    }
    bar.finish_and_clear();
}
