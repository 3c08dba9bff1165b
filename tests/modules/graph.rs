use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Macro, Meta, Path, UseTree};

/// The texts of files by their paths.
pub type Sources = BTreeMap<String, String>;

/// Files and the imports between them. The inline test module of a file is a node named after the file.
#[derive(Default)]
pub struct Graph {
    pub files: BTreeSet<String>,
    /// Files that only tests compile.
    pub tests: BTreeSet<String>,
    pub imports: BTreeSet<(String, String)>,
}

impl Graph {
    /// Reads a crate from `src/lib.rs`.
    pub fn of(sources: &Sources) -> Self {
        let mut tree = Tree::default();
        tree.read(sources, "crate", "src/lib.rs", false);
        let mut graph = mem::take(&mut tree.graph);
        for (from, module, path) in &tree.paths {
            let Some(target) = tree.resolve(module, path) else { continue };
            let to = tree.modules[&target].clone();
            if *from != to {
                graph.imports.insert((from.clone(), to));
            }
        }
        graph
    }

    /// Returns the largest groups of files in which each file reaches all others.
    pub fn cycles(&self) -> BTreeSet<Vec<String>> {
        let reached: BTreeMap<_, _> = self.files.iter().map(|file| (file, self.reached_from(file))).collect();
        let cycle = |file| {
            reached[file].iter().filter(|other| reached[*other].contains(file)).map(|other| (*other).clone()).collect()
        };
        self.files.iter().map(cycle).filter(|files: &Vec<_>| !files.is_empty()).collect()
    }

    fn reached_from<'a>(&'a self, file: &'a String) -> BTreeSet<&'a String> {
        let (mut reached, mut next) = (BTreeSet::new(), vec![file]);
        while let Some(file) = next.pop() {
            let targets = self.imports.iter().filter(|(from, _)| from == file).map(|(_, to)| to);
            next.extend(targets.filter(|to| reached.insert(*to)));
        }
        reached
    }
}

/// The modules of a crate, by paths such as `crate::pool`.
#[derive(Default)]
struct Tree {
    graph: Graph,
    /// The node that holds each module.
    modules: BTreeMap<String, String>,
    /// The path in a `use`, by the module that contains the `use` and the name that it binds.
    names: BTreeMap<(String, String), Vec<String>>,
    /// Every path in the code, with its node and its module.
    paths: Vec<(String, String, Vec<String>)>,
}

impl Tree {
    fn read(&mut self, sources: &Sources, module: &str, file: &str, is_test: bool) {
        let text = sources.get(file).unwrap_or_else(|| panic!("{module} is not in {file}"));
        let code = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        self.add(module, file, is_test);
        Reader { tree: self, sources, file, module: module.to_owned(), node: file.to_owned(), is_test }
            .visit_file(&code);
    }

    fn add(&mut self, module: &str, node: &str, is_test: bool) {
        self.modules.insert(module.to_owned(), node.to_owned());
        self.graph.files.insert(node.to_owned());
        if is_test {
            self.graph.tests.insert(node.to_owned());
        }
    }

    /// Returns the module that defines the last name of a path, or `None` for names of other crates and of functions.
    fn resolve(&self, module: &str, path: &[String]) -> Option<String> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.descend("crate", rest),
            "self" => self.descend(module, rest),
            "super" if rest.first().is_some_and(|next| next == "super") => self.resolve(parent(module), rest),
            "super" => self.descend(parent(module), rest),
            name => {
                let child = format!("{module}::{name}");
                if self.modules.contains_key(&child) { self.descend(&child, rest) } else { self.used(module, path) }
            }
        }
    }

    fn descend(&self, module: &str, path: &[String]) -> Option<String> {
        let Some((name, rest)) = path.split_first() else { return Some(module.to_owned()) };
        let child = format!("{module}::{name}");
        if self.modules.contains_key(&child) {
            return self.descend(&child, rest);
        }
        self.used(module, path).or_else(|| Some(module.to_owned()))
    }

    /// Resolves a path whose first name a `use` of the module binds.
    fn used(&self, module: &str, path: &[String]) -> Option<String> {
        let (name, rest) = path.split_first()?;
        let target = self.names.get(&(module.to_owned(), name.clone()))?;
        if target.first() == Some(name) { None } else { self.resolve(module, &[target, rest].concat()) }
    }
}

fn parent(module: &str) -> &str {
    module.rsplit_once("::").map_or(module, |(parent, _)| parent)
}

/// Walks one module.
struct Reader<'a> {
    tree: &'a mut Tree,
    sources: &'a Sources,
    file: &'a str,
    module: String,
    node: String,
    is_test: bool,
}

impl Reader<'_> {
    fn import(&mut self, path: Vec<String>) {
        self.tree.paths.push((self.node.clone(), self.module.clone(), path));
    }

    /// A single name is defined in the module, or comes from a `use`.
    fn import_qualified(&mut self, path: Vec<String>) {
        if path.len() > 1 {
            self.import(path);
        }
    }

    /// Visits an item. One that only tests compile belongs to the test node of the file.
    fn within(&mut self, attributes: &[Attribute], visit: impl FnOnce(&mut Self)) {
        let outer = (self.node.clone(), self.is_test);
        if !self.is_test && attributes.iter().any(is_for_tests) {
            self.node = format!("{} (tests)", self.file);
            self.is_test = true;
            self.tree.graph.tests.insert(self.node.clone());
            self.tree.graph.files.insert(self.node.clone());
        }
        visit(self);
        (self.node, self.is_test) = outer;
    }

    fn visit_inline(&mut self, module: String, items: &[Item]) {
        self.tree.add(&module, &self.node, self.is_test);
        let outer = mem::replace(&mut self.module, module);
        for item in items {
            self.visit_item(item);
        }
        self.module = outer;
    }

    fn visit_use(&mut self, tree: &UseTree, mut path: Vec<String>) {
        match tree {
            UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.visit_use(&part.tree, path);
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.visit_use(tree, path.clone())),
            UseTree::Glob(_) => self.import(path),
            UseTree::Name(leaf) => self.bind(path, leaf.ident.to_string(), None),
            UseTree::Rename(leaf) => self.bind(path, leaf.ident.to_string(), Some(leaf.rename.to_string())),
        }
    }

    fn bind(&mut self, mut path: Vec<String>, leaf: String, rename: Option<String>) {
        if leaf != "self" {
            path.push(leaf);
        }
        let name = rename.or_else(|| path.last().cloned()).expect("`use self` names a module");
        self.tree.names.insert((self.module.clone(), name), path.clone());
        self.import(path);
    }

    /// Reads the paths in the tokens of a macro, which need not parse.
    fn visit_tokens(&mut self, tokens: TokenStream) {
        let (mut path, mut colons) = (Vec::new(), 0);
        for token in tokens {
            match token {
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.import_qualified(mem::take(&mut path));
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                other => {
                    self.import_qualified(mem::take(&mut path));
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.visit_tokens(group.stream());
                    }
                }
            }
        }
        self.import_qualified(path);
    }
}

macro_rules! visit_within {
    ($($visit:ident $node:ident)*) => {
        $(fn $visit(&mut self, node: &syn::$node) {
            self.within(&node.attrs, |it| visit::$visit(it, node));
        })*
    };
}

impl Visit<'_> for Reader<'_> {
    visit_within! {
        visit_item_const ItemConst visit_item_enum ItemEnum visit_item_fn ItemFn visit_item_impl ItemImpl
        visit_item_macro ItemMacro visit_item_static ItemStatic visit_item_struct ItemStruct visit_item_trait ItemTrait
        visit_item_type ItemType visit_impl_item_fn ImplItemFn visit_impl_item_const ImplItemConst visit_field Field
        visit_local Local visit_expr_if ExprIf visit_expr_block ExprBlock visit_arm Arm
    }

    fn visit_item_use(&mut self, item: &ItemUse) {
        if item.leading_colon.is_none() {
            self.within(&item.attrs, |it| it.visit_use(&item.tree, Vec::new()));
        }
    }

    fn visit_item_mod(&mut self, item: &ItemMod) {
        let module = format!("{}::{}", self.module, item.ident);
        let file = self.file;
        self.within(&item.attrs, |it| match &item.content {
            Some((_, items)) => it.visit_inline(module, items),
            None => {
                let path = file_of(file, item, it.sources);
                it.tree.read(it.sources, &module, &path, it.is_test);
            }
        });
    }

    fn visit_path(&mut self, path: &Path) {
        if path.leading_colon.is_none() {
            self.import_qualified(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &Macro) {
        self.visit_path(&call.path);
        self.visit_tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, _: &Attribute) {}
}

/// Returns the path of the file that `mod name;` declares.
fn file_of(file: &str, item: &ItemMod, sources: &Sources) -> String {
    let (folder, name) = file.rsplit_once('/').expect("in src/");
    let explicit =
        item.attrs.iter().find(|it| it.path().is_ident("path")).and_then(|it| it.meta.require_name_value().ok());
    if let Some(syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(path), .. })) = explicit.map(|it| &it.value) {
        return format!("{folder}/{}", path.value());
    }
    let own = match name {
        "lib.rs" | "mod.rs" => folder.to_owned(),
        _ => file.trim_end_matches(".rs").to_owned(),
    };
    let flat = format!("{own}/{}.rs", item.ident);
    if sources.contains_key(&flat) { flat } else { format!("{own}/{}/mod.rs", item.ident) }
}

/// True for `#[cfg(test)]` and `#[cfg(all(test, ..))]`.
fn is_for_tests(attribute: &Attribute) -> bool {
    match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => needs_test(list.tokens.clone()),
        _ => false,
    }
}

fn needs_test(condition: TokenStream) -> bool {
    let mut is_all = false;
    condition.into_iter().any(|token| match token {
        TokenTree::Ident(name) => {
            is_all = name == "all";
            name == "test"
        }
        TokenTree::Group(group) => is_all && needs_test(group.stream()),
        _ => false,
    })
}
