//! Estimates the compiled size of a pattern in the regex crate, which copies a counted part once per count. Also reduces counts.

use super::tree::{Node, Repeat, Set};

/// Bytes of a character, and of a jump.
const STEP: usize = 80;
/// Bytes of a set with characters beyond ASCII, and of each of its ranges. Measured on version 1.12 of the crate, rounded up.
const SET: usize = 1200;
const RANGE: usize = 110;

/// Returns the approximate bytes of the compiled pattern. They depend on the pattern alone.
pub fn size(node: &Node) -> usize {
    match node {
        Node::Empty => 0,
        Node::Char(_) | Node::Look(_) => STEP,
        Node::Set(set) => size_of_set(set),
        Node::Group(_, inner) => size(inner).saturating_add(2 * STEP),
        Node::Concat(parts) => sum(parts, 0),
        Node::Either(parts) => sum(parts, STEP),
        Node::Repeat(repeat) => {
            let iterations = repeat.max.unwrap_or_else(|| repeat.min.max(1));
            size(&repeat.body).saturating_add(STEP).saturating_mul(iterations as usize)
        }
    }
}

fn sum(parts: &[Node], each: usize) -> usize {
    parts.iter().fold(0, |all, part| all.saturating_add(size(part)).saturating_add(each))
}

fn size_of_set(set: &Set) -> usize {
    match set.ranges().last() {
        Some(last) if !last.end().is_ascii() => SET + RANGE * set.ranges().len(),
        _ => STEP,
    }
}

/// Returns a pattern that matches somewhere in exactly the same texts, though not at the same offsets: optional iterations at
/// either end are left out.
pub fn trimmed(node: Node) -> Node {
    match node {
        Node::Group(group, inner) => Node::Group(group, Box::new(trimmed(*inner))),
        Node::Concat(mut parts) => {
            trim_last(&mut parts);
            parts.reverse();
            trim_last(&mut parts);
            parts.reverse();
            Node::concat(parts)
        }
        Node::Either(parts) => Node::Either(parts.into_iter().map(trimmed).collect()),
        Node::Repeat(repeat) if repeat.min == 0 => Node::Empty,
        Node::Repeat(repeat) if repeat.min == 1 => trimmed(repeat.body),
        Node::Repeat(repeat) => Node::Repeat(Box::new(Repeat { max: Some(repeat.min), ..*repeat })),
        Node::Empty | Node::Char(_) | Node::Set(_) | Node::Look(_) => node,
    }
}

/// Trims the last part, and the part before it if nothing remains of it.
fn trim_last(parts: &mut Vec<Node>) {
    while let Some(part) = parts.pop() {
        let part = match part {
            Node::Repeat(repeat) if repeat.min == 0 => Node::Empty,
            Node::Repeat(repeat) => Node::Repeat(Box::new(Repeat { max: Some(repeat.min), ..*repeat })),
            other => other,
        };
        if part != Node::Empty {
            parts.push(part);
            return;
        }
    }
}
