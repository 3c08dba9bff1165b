//! Prints a pattern in the syntax of the regex crate. Classes are written out, so that the output does not depend on the flags and
//! definitions of the crate.

use super::tree::{Look, Node, Repeat, Set};
use std::fmt::Write;

/// Prints a rewritten pattern.
pub fn print(node: &Node) -> String {
    let mut out = String::new();
    write(node, &mut out);
    out
}

fn write(node: &Node, out: &mut String) {
    match node {
        Node::Empty => {}
        Node::Char(character) => write_char(*character, out),
        Node::Set(set) => write_set(set, out),
        Node::Look(look) => out.push_str(match look {
            Look::Start => "^",
            Look::End => "$",
            // The searcher leaves only `\n` as a line terminator.
            Look::LineStart => "(?m:^)",
            Look::LineEnd => "(?m:$)",
            // The searcher handles U+017F and U+212A.
            Look::Word { negated: false, .. } => "(?-u:\\b)",
            Look::Word { negated: true, .. } => "(?-u:\\B)",
        }),
        Node::Group(_, inner) => enclosed("(", inner, out),
        Node::Concat(parts) => {
            for part in parts {
                match part {
                    Node::Either(_) => enclosed("(?:", part, out),
                    _ => write(part, out),
                }
            }
        }
        Node::Either(parts) => {
            for (index, part) in parts.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "|" });
                write(part, out);
            }
        }
        Node::Repeat(repeat) => write_repeat(repeat, out),
    }
}

fn enclosed(opening: &str, node: &Node, out: &mut String) {
    out.push_str(opening);
    write(node, out);
    out.push(')');
}

fn write_repeat(Repeat { body, min, max, greedy, .. }: &Repeat, out: &mut String) {
    match body {
        Node::Char(_) | Node::Set(_) | Node::Group(..) => write(body, out),
        _ => enclosed("(?:", body, out),
    }
    match (min, max) {
        (0, None) => out.push('*'),
        (1, None) => out.push('+'),
        (0, Some(1)) => out.push('?'),
        (1, Some(1)) => return,
        (min, None) => _ = write!(out, "{{{min},}}"),
        (min, Some(max)) if min == max => _ = write!(out, "{{{min}}}"),
        (min, Some(max)) => _ = write!(out, "{{{min},{max}}}"),
    }
    if !greedy {
        out.push('?');
    }
}

fn write_char(character: char, out: &mut String) {
    if character.is_ascii_alphanumeric() || matches!(character, ' ' | '-' | '_' | '/' | ':' | ',' | '=' | '@') {
        out.push(character);
    } else {
        let _ = write!(out, "\\u{{{:X}}}", u32::from(character));
    }
}

fn write_set(set: &Set, out: &mut String) {
    // Prints the shorter of the set and its complement.
    let mut other = set.clone();
    other.negate();
    let (opening, set) =
        if !other.ranges().is_empty() && other.ranges().len() < set.ranges().len() || set.ranges().is_empty() {
            ("[^", &other)
        } else {
            ("[", set)
        };
    out.push_str(opening);
    for range in set.ranges() {
        write_member(range.start(), out);
        if range.end() > range.start() {
            out.push('-');
            write_member(range.end(), out);
        }
    }
    out.push(']');
}

fn write_member(character: char, out: &mut String) {
    if character.is_ascii_alphanumeric() {
        out.push(character);
    } else {
        let _ = write!(out, "\\u{{{:X}}}", u32::from(character));
    }
}
