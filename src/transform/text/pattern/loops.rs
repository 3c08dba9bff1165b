//! Rewrites loops so that every engine runs them as ECMA-262 does. ECMA-262 rejects an optional iteration that consumes no character
//! and tries the next alternative, so the rewritten body keeps only the branches that consume one.

use super::refusal::Refusal;
use super::tree::{Node, Repeat};

/// Limits the nodes and ranges that rewriting copies.
const MAX_COPIES: usize = 1 << 18;

/// Returns an equivalent pattern in which every optional iteration consumes a character.
///
/// # Errors
/// When the result is too large.
pub fn rewritten(node: Node) -> Result<Node, Refusal> {
    Rewriter { copies: 0 }.rewrite(node)
}

struct Rewriter {
    copies: usize,
}

/// A branch of a pattern, which always or never consumes a character.
struct Branch {
    node: Node,
    consumes: bool,
}

impl Rewriter {
    fn rewrite(&mut self, node: Node) -> Result<Node, Refusal> {
        Ok(match node {
            Node::Group(group, inner) => Node::Group(group, Box::new(self.rewrite(*inner)?)),
            Node::Concat(parts) => Node::Concat(self.each(parts)?),
            Node::Either(parts) => Node::Either(self.each(parts)?),
            Node::Repeat(repeat) => self.repeat(*repeat)?,
            Node::Empty | Node::Char(_) | Node::Set(_) | Node::Look(_) => node,
        })
    }

    fn each(&mut self, parts: Vec<Node>) -> Result<Vec<Node>, Refusal> {
        parts.into_iter().map(|part| self.rewrite(part)).collect()
    }

    fn repeat(&mut self, repeat: Repeat) -> Result<Node, Refusal> {
        let Repeat { body, min, max, greedy, groups } = repeat;
        if max == Some(0) {
            return Ok(Node::Empty);
        }
        let body = self.rewrite(body)?;
        let looped = |body, min, max| Node::Repeat(Box::new(Repeat { body, min, max, greedy, groups: groups.clone() }));
        if !body.is_nullable() || max == Some(min) {
            return Ok(looped(body, min, max));
        }
        let consuming =
            self.branches(&body)?.into_iter().filter(|branch| branch.consumes).map(|branch| branch.node).collect();
        let rest = looped(Node::either(consuming), 0, max.map(|max| max - min));
        Ok(if min == 0 { rest } else { Node::Concat(vec![looped(body, min, Some(min)), rest]) })
    }

    fn copy(&mut self, node: &Node) -> Result<Node, Refusal> {
        node.each(&mut |it| {
            self.copies += match it {
                Node::Set(set) => 1 + set.ranges().len(),
                _ => 1,
            };
        });
        self.bounded()?;
        Ok(node.clone())
    }

    fn bounded(&self) -> Result<(), Refusal> {
        let reason = "expanding its loops with empty iterations requires too much memory";
        if self.copies > MAX_COPIES { Err(Refusal::TooLarge(reason.to_string())) } else { Ok(()) }
    }

    /// Splits a rewritten node into branches, in order of preference.
    fn branches(&mut self, node: &Node) -> Result<Vec<Branch>, Refusal> {
        if !node.is_nullable() {
            return Ok(vec![Branch { node: self.copy(node)?, consumes: true }]);
        }
        match node {
            Node::Empty | Node::Look(_) | Node::Char(_) | Node::Set(_) => {
                Ok(vec![Branch { node: self.copy(node)?, consumes: false }])
            }
            Node::Group(group, inner) => Ok(enclosed(self.branches(inner)?, |it| Node::Group(*group, Box::new(it)))),
            Node::Either(parts) => {
                let mut branches = Vec::new();
                for part in parts {
                    branches.extend(self.branches(part)?);
                }
                Ok(branches)
            }
            Node::Concat(parts) => self.branches_of_sequence(parts),
            Node::Repeat(repeat) if repeat.min > 0 => self.branches_of_iterations(repeat),
            Node::Repeat(repeat) => {
                // The body was rewritten, so it consumes a character.
                let some =
                    Branch { node: Node::Repeat(Box::new(Repeat { min: 1, ..self.copied(repeat)? })), consumes: true };
                let none = Branch { node: Node::Empty, consumes: false };
                Ok(if repeat.greedy { vec![some, none] } else { vec![none, some] })
            }
        }
    }

    fn copied(&mut self, repeat: &Repeat) -> Result<Repeat, Refusal> {
        Ok(Repeat { body: self.copy(&repeat.body)?, groups: repeat.groups.clone(), ..*repeat })
    }

    /// Splits a sequence of nullable parts.
    fn branches_of_sequence(&mut self, parts: &[Node]) -> Result<Vec<Branch>, Refusal> {
        let Some((first, rest)) = parts.split_first() else {
            return Ok(vec![Branch { node: Node::Empty, consumes: false }]);
        };
        // Also bounds the recursion, which is one call per part.
        self.copies += parts.len();
        self.bounded()?;
        let mut branches = Vec::new();
        for branch in self.branches(first)? {
            if branch.consumes {
                let mut whole = vec![branch.node];
                for part in rest {
                    whole.push(self.copy(part)?);
                }
                branches.push(Branch { node: Node::concat(whole), consumes: true });
            } else {
                for Branch { node, consumes } in self.branches_of_sequence(rest)? {
                    branches.push(Branch { node: Node::concat(vec![self.copy(&branch.node)?, node]), consumes });
                }
            }
        }
        Ok(branches)
    }

    /// Splits a fixed number of iterations of a nullable body.
    fn branches_of_iterations(&mut self, repeat: &Repeat) -> Result<Vec<Branch>, Refusal> {
        let mut iterations = Vec::new();
        let once = |repeat| Node::Repeat(Box::new(Repeat { min: 1, max: Some(1), ..repeat }));
        for _ in 0..repeat.min {
            self.copies += 1;
            self.bounded()?;
            iterations.push(once(self.copied(repeat)?));
        }
        if repeat.min > 1 {
            return self.branches_of_sequence(&iterations);
        }
        let branches = self.branches(&repeat.body)?;
        Ok(enclosed(branches, |body| once(Repeat { body, groups: repeat.groups.clone(), ..*repeat })))
    }
}

fn enclosed(branches: Vec<Branch>, enclose: impl Fn(Node) -> Node) -> Vec<Branch> {
    branches.into_iter().map(|Branch { node, consumes }| Branch { node: enclose(node), consumes }).collect()
}

/// Returns whether the regex crate reports the groups of ECMA-262. The crate keeps a group's text from earlier iterations; ECMA-262
/// clears it. Both agree if each group occurs once and every iteration around it sets it.
pub fn keeps_groups(node: &Node) -> bool {
    let mut times = std::collections::HashMap::new();
    node.each(&mut |it| {
        if let Node::Group(group, _) = it {
            *times.entry(*group).or_insert(0_usize) += 1;
        }
    });
    times.values().all(|times| *times == 1)
        && is_set_each_iteration(node, false, false, &|group| times.contains_key(&group))
}

fn is_set_each_iteration(node: &Node, in_loop: bool, optional: bool, is_there: &dyn Fn(u32) -> bool) -> bool {
    match node {
        Node::Empty | Node::Char(_) | Node::Set(_) | Node::Look(_) => true,
        Node::Group(_, inner) => !optional && is_set_each_iteration(inner, in_loop, optional, is_there),
        Node::Concat(parts) => parts.iter().all(|part| is_set_each_iteration(part, in_loop, optional, is_there)),
        Node::Either(parts) => parts.iter().all(|part| is_set_each_iteration(part, in_loop, in_loop, is_there)),
        Node::Repeat(repeat) => {
            let mut inside = std::collections::HashSet::new();
            repeat.body.each(&mut |it| {
                if let Node::Group(group, _) = it {
                    inside.insert(*group);
                }
            });
            let clears_others = repeat.groups.clone().any(|group| is_there(group) && !inside.contains(&group));
            let optional = optional || in_loop && repeat.min == 0;
            let loops = in_loop || repeat.max != Some(1);
            !clears_others && is_set_each_iteration(&repeat.body, loops, optional, is_there)
        }
    }
}
