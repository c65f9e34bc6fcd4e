//! The ten lines: a memory card into an archive, twice.
//!
//! `cargo run --example quickstart` makes two folders in a temporary place and shows what happens.

use std::fs;

use garland::Orchestrator;
use garland::backends::Sqlite;
use garland::platforms::LocalFolder;
use garland::sync::ConflictStrategy;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let home = tempfile::tempdir()?;
    let (card, archive) = (home.path().join("card"), home.path().join("archive"));
    fs::create_dir_all(card.join("DCIM"))?;
    fs::create_dir(&archive)?;
    fs::write(card.join("DCIM/IMG_0001.jpg"), b"first look")?;
    fs::write(card.join("DCIM/IMG_0002.jpg"), b"first dance")?;

    let studio = Orchestrator::builder()
        .storage(Sqlite::open(home.path().join("studio.db")).await?)
        .connector("card", LocalFolder::open(&card)?)
        .connector("archive", LocalFolder::open(&archive)?)
        .build()
        .await?;

    for _ in 0..2 {
        let report = studio
            .sync("card")
            .to("archive")
            .on_conflict(ConflictStrategy::NewerWins)
            .run()
            .await?;
        println!("{report}");
    }
    println!("{}", fs::read_to_string(archive.join("DCIM/IMG_0001.jpg"))?);
    Ok(())
}
