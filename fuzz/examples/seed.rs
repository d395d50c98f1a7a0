//! Fills `fuzz/corpus` from the recordings beside the repository and from our own configurations in `fuzz/seeds`.

use std::fs;
use std::path::Path;

use tollgate_fuzz::checks::seeds;

fn main() -> std::io::Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let recordings = here.join("../../shared/recordings");
    let seeds = seeds::all(&recordings);
    if seeds.is_empty() {
        println!("seed: no recordings at {}; fuzzing starts from nothing but our own inputs", recordings.display());
    }
    let mut counts = std::collections::BTreeMap::<_, usize>::new();
    for seed in seeds {
        let folder = here.join("corpus").join(seed.target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(seed.name), seed.input)?;
        *counts.entry(seed.target).or_default() += 1;
    }
    let configurations = here.join("corpus/config");
    fs::create_dir_all(&configurations)?;
    for file in fs::read_dir(here.join("seeds/config"))? {
        let file = file?;
        fs::copy(file.path(), configurations.join(file.file_name()))?;
        *counts.entry("config").or_default() += 1;
    }
    println!("seed: {counts:?}");
    Ok(())
}
