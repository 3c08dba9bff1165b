//! The character classes of a program, which its steps share.

use super::tree::{Node, Set, contains};
use std::collections::HashMap;

#[derive(Debug)]
pub struct Class {
    /// A bit for each ASCII character.
    ascii: u128,
    set: Set,
}

impl Class {
    fn new(set: Set) -> Self {
        let has = |it: &u8| contains(&set, char::from(*it));
        Class { ascii: (0..128).filter(has).fold(0, |bits, it| bits | 1 << it), set }
    }

    pub fn has(&self, character: char) -> bool {
        if character.is_ascii() { self.ascii >> u32::from(character) & 1 == 1 } else { contains(&self.set, character) }
    }
}

/// Collects the classes of a tree, whose nodes a compiler may visit once per iteration of a loop.
#[derive(Default)]
pub struct Classes {
    list: Vec<Class>,
    /// Indexes by the address of the node.
    known: HashMap<*const Node, usize>,
}

impl Classes {
    /// Returns the index of the class of a node that consumes one character, or `None` for other nodes.
    pub fn index(&mut self, node: &Node) -> Option<usize> {
        let address = std::ptr::from_ref(node);
        if let Some(index) = self.known.get(&address) {
            return Some(*index);
        }
        let set = match node {
            Node::Char(character) => super::tree::set(&[(*character, *character)]),
            Node::Set(set) => set.clone(),
            _ => return None,
        };
        self.list.push(Class::new(set));
        self.known.insert(address, self.list.len() - 1);
        Some(self.list.len() - 1)
    }

    pub fn into_list(self) -> Vec<Class> {
        self.list
    }
}

/// Returns the approximate bytes of classes.
pub fn size_of_classes(classes: &[Class]) -> usize {
    let ranges: usize = classes.iter().map(|it| it.set.ranges().len()).sum();
    size_of_val(classes) + ranges * size_of::<[char; 2]>()
}
