//! The modules of a crate: what each defines, imports and names.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Attribute, File, Item, Meta, UseTree, Visibility};

use crate::names::names_in;

/// A path, segment by segment.
pub type Path = Vec<String>;

/// A file, relative to the crate's `src`.
pub type FileName = String;

/// All modules of a crate; the first is its root.
pub struct Modules {
    modules: Vec<Module>,
    /// Files that define nothing.
    facades: BTreeSet<FileName>,
}

#[derive(Default)]
struct Module {
    file: FileName,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    items: BTreeSet<String>,
    /// What a name that is imported here stands for.
    imports: BTreeMap<String, Path>,
    /// Modules of which everything is imported.
    globs: Vec<Path>,
    /// All paths that stand in the module.
    named: BTreeSet<Path>,
}

/// Names that were looked up on the way, in which module, and whether their path goes on.
type Seen = BTreeSet<(usize, String, bool)>;

/// What a path leads to.
enum Found {
    Module(usize),
    ItemIn(FileName),
}

impl Modules {
    /// Reads the files of a crate, from its root on.
    pub fn read(root: &str, read: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut modules = Self { modules: Vec::new(), facades: BTreeSet::new() };
        modules.add_file(root, None, read);
        modules
    }

    fn add_file(&mut self, file: &str, parent: Option<usize>, read: &dyn Fn(&str) -> Option<String>) -> usize {
        let text = read(file).unwrap_or_else(|| panic!("{file} cannot be read"));
        let File { items, .. } = syn::parse_file(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        if !items.iter().any(defines) {
            self.facades.insert(file.to_owned());
        }
        self.add_items(&items, file, parent, read)
    }

    fn add_items(
        &mut self,
        items: &[Item],
        file: &str,
        parent: Option<usize>,
        read: &dyn Fn(&str) -> Option<String>,
    ) -> usize {
        let index = self.modules.len();
        self.modules.push(Module { file: file.to_owned(), parent, ..Module::default() });
        for item in items.iter().filter(|item| !is_for_tests(attributes(item))) {
            match item {
                Item::Mod(module) => {
                    let name = module.ident.to_string();
                    let child = match &module.content {
                        Some((_, items)) => self.add_items(items, file, Some(index), read),
                        None => {
                            let [beside, below] = files_of(file, &name);
                            let child = if read(&beside).is_some() { beside } else { below };
                            self.add_file(&child, Some(index), read)
                        }
                    };
                    self.modules[index].children.insert(name, child);
                }
                Item::Use(import) => self.modules[index].import(&import.tree, &Path::new()),
                item => {
                    let (module, names) = (&mut self.modules[index], names_in(item));
                    module.items.extend(name_of(item));
                    module.named.extend(names.all);
                    for path in names.imported {
                        module.add_import(path.last().cloned(), path);
                    }
                }
            }
        }
        index
    }

    /// For each file the files whose definitions it names.
    pub fn uses(&self) -> BTreeMap<FileName, BTreeSet<FileName>> {
        let mut uses: BTreeMap<FileName, BTreeSet<FileName>> = BTreeMap::new();
        for (index, module) in
            self.modules.iter().enumerate().filter(|(_, module)| !self.facades.contains(&module.file))
        {
            let used = uses.entry(module.file.clone()).or_default();
            for path in &module.named {
                match self.follow(index, path, &mut Seen::new()) {
                    Some(Found::ItemIn(file)) if file != module.file => drop(used.insert(file)),
                    _ => {}
                }
            }
        }
        uses
    }

    /// What a path leads to, as it stands in a module; nothing for what is not of this crate.
    fn follow(&self, from: usize, path: &[String], seen: &mut Seen) -> Option<Found> {
        let (mut module, mut rest) = (from, path);
        let mut anchored = false;
        while let [first, others @ ..] = rest {
            module = match first.as_str() {
                "crate" => 0,
                "self" => module,
                "super" => self.modules[module].parent?,
                _ => break,
            };
            (rest, anchored) = (others, true);
        }
        if rest.is_empty() {
            return anchored.then_some(Found::Module(module));
        }
        for (place, name) in rest.iter().enumerate() {
            match self.find(module, name, place + 1 < rest.len(), seen)? {
                Found::Module(next) => module = next,
                // What stands behind an item is a part of it.
                item => return Some(item),
            }
        }
        Some(Found::Module(module))
    }

    /// What a name stands for in a module.
    fn find(&self, index: usize, name: &str, goes_on: bool, seen: &mut Seen) -> Option<Found> {
        let lookup = (index, name.to_owned(), goes_on);
        // Imports may lead to each other.
        if !seen.insert(lookup.clone()) {
            return None;
        }
        let found = self.look_up(index, name, goes_on, seen);
        if found.is_some() {
            seen.remove(&lookup);
        }
        found
    }

    /// The same name may be a module's and an item's: the first where a path goes on.
    fn look_up(&self, index: usize, name: &str, goes_on: bool, seen: &mut Seen) -> Option<Found> {
        let module = &self.modules[index];
        let child = module.children.get(name).map(|&child| Found::Module(child));
        if goes_on && child.is_some() {
            return child;
        }
        if module.items.contains(name) {
            return Some(Found::ItemIn(module.file.clone()));
        }
        let imported = module.imports.get(name).and_then(|path| self.follow(index, path, seen));
        imported.or(child).or_else(|| {
            module.globs.iter().find_map(|path| match self.follow(index, path, seen)? {
                Found::Module(other) if other != index => self.find(other, name, goes_on, seen),
                _ => None,
            })
        })
    }
}

impl Module {
    fn import(&mut self, tree: &UseTree, before: &Path) {
        let with = |name: &syn::Ident| [before.clone(), vec![name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.import(&path.tree, &with(&path.ident)),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(tree, before)),
            UseTree::Glob(_) => self.globs.push(before.clone()),
            // `use a::b::{self}`.
            UseTree::Name(name) if name.ident == "self" => self.add_import(before.last().cloned(), before.clone()),
            UseTree::Name(name) => self.add_import(Some(name.ident.to_string()), with(&name.ident)),
            UseTree::Rename(name) if name.ident == "self" => {
                self.add_import(Some(name.rename.to_string()), before.clone())
            }
            UseTree::Rename(name) => self.add_import(Some(name.rename.to_string()), with(&name.ident)),
        }
    }

    fn add_import(&mut self, name: Option<String>, path: Path) {
        self.imports.extend(name.map(|name| (name, path.clone())));
        self.named.insert(path);
    }
}

/// Where a module that a file declares may be.
fn files_of(file: &str, name: &str) -> [FileName; 2] {
    let (folder, stem) = file.rsplit_once('/').map_or(("", file), |(folder, stem)| (folder, stem));
    let own = if ["lib.rs", "main.rs", "mod.rs"].contains(&stem) { "" } else { stem.trim_end_matches(".rs") };
    let folder: Vec<&str> = [folder, own].into_iter().filter(|part| !part.is_empty()).collect();
    let inside = |end: String| folder.iter().map(|part| format!("{part}/")).collect::<String>() + &end;
    [inside(format!("{name}.rs")), inside(format!("{name}/mod.rs"))]
}

/// Whether an item makes its file more than a facade.
fn defines(item: &Item) -> bool {
    match item {
        Item::Mod(module) => module.content.is_some() && !is_for_tests(&module.attrs),
        Item::Use(import) => matches!(import.vis, Visibility::Inherited) && !is_for_tests(&import.attrs),
        item => !is_for_tests(attributes(item)),
    }
}

fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    })
}
