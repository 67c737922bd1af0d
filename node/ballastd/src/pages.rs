//! Large pages for what a node keeps in memory.
//!
//! State, books and accounts are gigabytes that are read in no order; with pages of 2 MiB the processor finds them
//! several percent faster. glibc asks the kernel for such pages when a variable says so at the start of a
//! process, so the node starts itself once more, in the same process and with the same arguments.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// Settings of glibc; whoever sets the variable, even to nothing, decides alone.
const TUNABLES: &str = "GLIBC_TUNABLES";

/// Asks for them where glibc and the kernel have them. Going on without is slower and nothing else.
pub(crate) fn ask_for_large_ones() {
    if std::env::var_os(TUNABLES).is_some() {
        return;
    }
    let mut args = std::env::args_os();
    let (Ok(program), Some(name)) = (std::env::current_exe(), args.next()) else { return };
    // It returns only when it fails.
    let _ = Command::new(program).arg0(name).args(args).env(TUNABLES, "glibc.malloc.hugetlb=1").exec();
}
