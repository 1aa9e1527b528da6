//! Measuring the cases of a run that has begun.

use anyhow::{Context, Result};

use super::{RunArguments, begin::Begun, progress::Progress};
use crate::{
    command::advice::Advice,
    last_resort::Unfinished,
    measure::{Completion, Execution},
    plan::Registry,
};

/// Measures and stores one case after the other, and says how to go on should something stop that.
///
/// # Errors
/// When a record cannot be stored, or a scenario does not fit a model. Stored records stay.
pub(super) fn measure(arguments: &RunArguments, registry: &Registry, begun: &mut Begun) -> Result<Completion> {
    let Begun { run, owned, materials, instruments, groups } = begun;
    let folder = owned.folder();
    let cache = arguments.cache.root()?;
    let mut go_on = Advice::new(&["run", "--resume"]).run(folder.path()).cache(&cache).registry(&arguments.registry);
    if arguments.retry {
        go_on = go_on.flag("--retry");
    }
    let kept = format!("measured cases are kept in {}; continue with `{go_on}`", folder.path().display());
    let _unfinished = Unfinished::new(kept.clone());
    let mut progress = Progress::new(&run.plan, &run.settings, groups);
    let completion = Execution::new(run, registry, materials)
        .measure(folder, groups, instruments, &mut progress)
        .with_context(|| format!("the run stopped; {kept}"))?;
    instruments.device.leave();
    if completion == Completion::Interrupted {
        let lacking = folder.parts_of_records(run, |record| record.lacks_blocks())?.intact;
        let stored = lacking.iter().filter(|lacks| !**lacks).count();
        let in_part = match lacking.len() - stored {
            0 => String::new(),
            some => format!(", and some blocks of {some} others"),
        };
        notice!("");
        notice!(
            "interrupted: {stored} of {} cases{in_part} are stored in {}; continue with `{go_on}`",
            run.plan.len(),
            folder.path().display(),
        );
    }
    Ok(completion)
}
