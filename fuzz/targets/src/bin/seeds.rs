//! Writes the seeds of every target into folders: `seeds FOLDER`.

use std::fs;
use std::path::PathBuf;

use oidc_spa_native_fuzz_targets::TARGETS;

fn main() -> std::io::Result<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).unwrap_or_else(|| "fuzz/corpus".into()));
    for target in TARGETS {
        let own = folder.join(target.name);
        fs::create_dir_all(&own)?;
        let seeds = (target.seeds)();
        for (index, seed) in seeds.iter().enumerate() {
            fs::write(own.join(format!("seed-{index:04}")), seed)?;
        }
        println!("{}: {} seeds", target.name, seeds.len());
    }
    Ok(())
}
