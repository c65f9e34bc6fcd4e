//! Prints the BLAKE3 of each file named, read once, in one thread.

use std::fs::File;
use std::io::Read as _;

fn main() -> std::io::Result<()> {
    let mut buffer = vec![0; 256 << 10];
    for path in std::env::args_os().skip(1) {
        let mut file = File::open(&path)?;
        let mut hasher = blake3::Hasher::new();
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                read => _ = hasher.update(&buffer[..read]),
            }
        }
        println!("{}  {}", hasher.finalize().to_hex(), path.to_string_lossy());
    }
    Ok(())
}
