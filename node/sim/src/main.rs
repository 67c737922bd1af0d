//! Tell seeds and print what happened. The line of a failure tells it again.

use std::process::ExitCode;
use std::time::Instant;

use sim::{many, shrink, Failure, Mode, Story};

const USAGE: &str = "\
usage: sim [--seeds COUNT] [--first SEED] [--blocks COUNT] [--mode lite|full] [--threads COUNT]
       sim --seed SEED --blocks COUNT [--chaos COUNT] [--mode lite|full] [--only t3.1,n4.0,...]
options: --canary clock|money|write|fee   plant a bug
         --runs COUNT                 stories told at most to make a failure small (default 400, 0: none)";

struct Asked {
    story: Story,
    seeds: u64,
    threads: usize,
    runs: u64,
}

fn asked() -> Result<Asked, String> {
    let mut pairs = Vec::new();
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        pairs.push((name.clone(), args.next().ok_or_else(|| format!("{name} needs a value"))?));
    }
    let (mut seeds, mut threads, mut runs, mut chaos) = (100, 2, 400, None);
    let mut story = Story::new(1, 200, Mode::Lite);
    for (name, value) in pairs {
        let number = || value.parse::<u64>().map_err(|_| format!("{name} {value}: not a number"));
        match name.as_str() {
            "--seeds" => seeds = number()?,
            "--first" => story.seed = number()?,
            "--seed" => (story.seed, seeds) = (number()?, 1),
            "--blocks" => story.blocks = number()?,
            "--chaos" => chaos = Some(number()?),
            "--threads" => threads = usize::try_from(number()?).map_err(|error| error.to_string())?,
            "--runs" => runs = number()?,
            "--mode" => story.mode = value.parse()?,
            "--canary" => story.canary = Some(sim::canary(&value)?),
            "--only" => {
                let items = value.split(',').filter(|item| !item.is_empty()).map(str::parse);
                story.only = Some(items.collect::<Result<_, _>>()?);
            }
            _ => return Err(format!("there is no option {name}")),
        }
    }
    story.chaos = chaos.unwrap_or_else(|| Story::new(story.seed, story.blocks, story.mode).chaos);
    Ok(Asked { story, seeds, threads, runs })
}

fn main() -> ExitCode {
    let Asked { story, seeds, threads, runs } = match asked() {
        Ok(asked) => asked,
        Err(reason) => {
            eprintln!("{reason}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let begin = Instant::now();
    match many(&story, seeds, threads) {
        Ok(counts) => {
            println!("{counts}\n{} seconds", begin.elapsed().as_secs());
            let idle = counts.idle();
            if idle.is_empty() {
                return ExitCode::SUCCESS;
            }
            eprintln!("nothing was tried of: {}", idle.join(", "));
            ExitCode::FAILURE
        }
        Err((story, failure)) => {
            tell(&story, failure, runs);
            ExitCode::FAILURE
        }
    }
}

fn tell(story: &Story, failure: Failure, runs: u64) {
    println!("{failure}\nagain: {story}");
    if runs == 0 || story.only.is_some() {
        failure.told.iter().for_each(|(item, word)| println!("  {item}: {word}"));
        return;
    }
    let small = shrink(story, failure, runs);
    println!("after {} stories, {} of {} parts:", small.runs, small.failure.told.len(), small.before);
    small.failure.told.iter().for_each(|(item, word)| println!("  {item}: {word}"));
    println!("{}\nagain: {}", small.failure, small.story);
}
