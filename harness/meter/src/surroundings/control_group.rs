//! The control groups around this process, of both versions (Documentation/admin-guide/cgroup-v2.rst and cgroup-v1).

use crate::SystemRoot;

const MOUNTS: &str = "sys/fs/cgroup";

/// Which hierarchy of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hierarchy {
    /// The second version has one, with all controllers.
    Unified,
    /// The first version has one for each controller, or for some together.
    Of(&'static str),
}

/// The folders of this process' group and its parents, outermost first, as far as they are visible.
///
/// A container may see its group's place among all groups, or its own group as the outermost one; `/proc/self/cgroup` may
/// show the place either way.
pub(super) fn group_folders(root: &SystemRoot, hierarchy: Hierarchy) -> Vec<String> {
    let Some(path) = own_path(root, hierarchy) else { return Vec::new() };
    let mut folders: Vec<String> = Vec::new();
    for mount in mounts(root, hierarchy).into_iter().chain(usual_mounts(root, hierarchy)) {
        let inside = mount.shows.as_deref().and_then(|shown| path.strip_prefix(shown)).unwrap_or(&path);
        let parts: Vec<&str> = inside.split('/').filter(|part| !part.is_empty() && *part != "..").collect();
        // The hidden part of a path is its beginning.
        let hidden = (0..parts.len()).find(|&hidden| root.join(below(&mount.folder, &parts[hidden..])).is_dir());
        let parts = &parts[hidden.unwrap_or(parts.len())..];
        for folder in (0..=parts.len()).map(|depth| below(&mount.folder, &parts[..depth])) {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
    folders
}

/// Where a hierarchy is mounted.
struct Mount {
    folder: String,
    /// The group that is shown there as the outermost one, where that is known.
    shows: Option<String>,
}

fn below(folder: &str, parts: &[&str]) -> String {
    [&[folder], parts].concat().join("/")
}

/// This process' group: the last field of `number:controllers:path`.
fn own_path(root: &SystemRoot, hierarchy: Hierarchy) -> Option<String> {
    let text = root.text("proc/self/cgroup")?;
    text.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (number, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let found = match hierarchy {
            Hierarchy::Unified => number == "0" && controllers.is_empty(),
            Hierarchy::Of(controller) => controllers.split(',').any(|name| name == controller),
        };
        found.then(|| path.to_owned())
    })
}

/// Reads `/proc/self/mountinfo` (proc_pid_mountinfo(5)): the fourth field is what is shown, the fifth where.
fn mounts(root: &SystemRoot, hierarchy: Hierarchy) -> Vec<Mount> {
    let text = root.text("proc/self/mountinfo").unwrap_or_default();
    let mount = |line: &str| {
        let (place, kind) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let (shows, folder) = (place.next()?, place.next()?);
        let mut kind = kind.split(' ');
        let (system, options) = (kind.next()?, kind.nth(1)?);
        let found = match hierarchy {
            Hierarchy::Unified => system == "cgroup2",
            Hierarchy::Of(controller) => system == "cgroup" && options.split(',').any(|option| option == controller),
        };
        let mount = Mount { folder: folder.trim_start_matches('/').to_owned(), shows: Some(shows.to_owned()) };
        found.then_some(mount)
    };
    text.lines().filter_map(mount).collect()
}

/// The usual places, for systems that do not list them.
fn usual_mounts(root: &SystemRoot, hierarchy: Hierarchy) -> Vec<Mount> {
    let usual = |folder: String| Mount { folder, shows: None };
    match hierarchy {
        Hierarchy::Unified => [MOUNTS, "sys/fs/cgroup/unified"].map(|folder| usual(folder.to_owned())).into(),
        Hierarchy::Of(controller) => {
            let names = root.names(MOUNTS).into_iter();
            let of_it = names.filter(|name| name.split(',').any(|name| name == controller));
            of_it.map(|name| usual(format!("{MOUNTS}/{name}"))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::fixture::Tree;

    #[test]
    fn a_container_may_see_all_groups_or_its_own_alone() {
        let group =
            "proc/self/cgroup = 4:memory:/docker/abc\\n3:cpu,cpuacct:/docker/abc\\n1:name=systemd:/docker/abc\n";
        let memory =
            |more: &str| group_folders(&Tree::parse(&format!("{group}{more}")).root(), Hierarchy::Of("memory"));
        let base = "sys/fs/cgroup/memory";
        assert_eq!(
            memory(&format!("{base}/docker/abc/memory.limit_in_bytes = 5")),
            [base.to_owned(), format!("{base}/docker"), format!("{base}/docker/abc")]
        );
        assert_eq!(memory(&format!("{base}/memory.limit_in_bytes = 5")), [base]);
        assert_eq!(memory(&format!("{base}/abc/memory.limit_in_bytes = 5")), [base.to_owned(), format!("{base}/abc")]);
        let mounted = "proc/self/mountinfo = 33 32 0:29 /docker/abc /groups/memory ro - cgroup cgroup rw,memory\n\
                       groups/memory/inner/x = 1";
        let inside = group.replace("memory:/docker/abc", "memory:/docker/abc/inner");
        let root = Tree::parse(&format!("{inside}{mounted}"));
        assert_eq!(group_folders(&root.root(), Hierarchy::Of("memory")), ["groups/memory", "groups/memory/inner"]);
    }

    #[test]
    fn controllers_may_share_a_folder() {
        for name in ["cpu", "cpu,cpuacct", "cpuacct,cpu"] {
            let tree = Tree::parse(&format!(
                "proc/self/cgroup = 3:cpu,cpuacct:/docker/abc\nsys/fs/cgroup/{name}/docker/abc/cpu.cfs_quota_us = 50000"
            ));
            let folders = group_folders(&tree.root(), Hierarchy::Of("cpu"));
            assert_eq!(folders.last(), Some(&format!("sys/fs/cgroup/{name}/docker/abc")), "{folders:?}");
        }
        let hybrid =
            Tree::parse("proc/self/cgroup = 4:memory:/a\\n0::/user/b\nsys/fs/cgroup/unified/user/b/cpu.max = max 1");
        assert_eq!(
            group_folders(&hybrid.root(), Hierarchy::Unified).last().map(String::as_str),
            Some("sys/fs/cgroup/unified/user/b")
        );
        assert!(group_folders(&Tree::parse("").root(), Hierarchy::Unified).is_empty());
    }
}
