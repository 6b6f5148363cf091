//! CPU time of other processes.

use std::fs;
use std::path::Path;

/// Nanoseconds of CPU (user and system, all threads alive) that processes have used.
///
/// proc(5): `/proc/<pid>/task/<tid>/schedstat`, first field. `/proc/<pid>/stat` counts the same in ticks of 10 ms, too
/// coarse for one round; it is used where the kernel has no schedstat.
pub(crate) fn nanoseconds(pids: &[u32]) -> u64 {
    pids.iter().map(|pid| by_task(*pid).or_else(|| by_ticks(*pid)).unwrap_or(0)).sum()
}

fn by_task(pid: u32) -> Option<u64> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let mut sum = None;
    for task in tasks.flatten() {
        if let Some(time) = first_field(&task.path().join("schedstat")) {
            sum = Some(sum.unwrap_or(0) + time);
        }
    }
    sum
}

fn first_field(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.split_whitespace().next()?.parse().ok()
}

fn by_ticks(pid: u32) -> Option<u64> {
    const TICK: u64 = 10_000_000;
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command's name may hold spaces and parentheses; what follows the last one does not.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let time = |n: usize| fields.get(n)?.parse::<u64>().ok();
    Some((time(11)? + time(12)?) * TICK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_computes_uses_time_by_either_count() {
        let me = [std::process::id()];
        let before = nanoseconds(&me);
        let mut x = 1u64;
        while nanoseconds(&me) < before + 20_000_000 {
            x = x.wrapping_mul(6364136223846793005).wrapping_add(1);
        }
        assert!(x != 0 && by_ticks(me[0]).is_some());
        assert_eq!(nanoseconds(&[u32::MAX]), 0);
    }
}
