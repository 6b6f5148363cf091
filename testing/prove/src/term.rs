//! Terms over bit-vectors and truth values: written once, read by the solver and by an evaluator that needs none.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{BitAnd, BitOr, BitXor, Not};
use std::rc::Rc;

/// A term: a truth value (width 0) or a bit-vector of at most 128 bits. Cheap to clone; shared parts are sent once.
#[derive(Debug, Clone)]
pub struct Term(Rc<Node>);

#[derive(Debug)]
pub struct Node {
    pub op: Op,
    pub args: Vec<Term>,
    /// Bits; 0 is a truth value.
    pub width: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    Value(u128),
    Var(String),
    /// Bitwise on vectors, logical on truth values.
    Not,
    And,
    Or,
    Xor,
    Add,
    Sub,
    Equal,
    /// Unsigned.
    AtMost,
    Choose,
    /// So many zeros above.
    Widen(u32),
    /// Is a number in a set that is known by name alone?
    In(String),
}

/// Values of variables, and for each set the numbers it is known to hold.
#[derive(Debug, Clone, Default)]
pub struct Values {
    pub words: BTreeMap<String, u128>,
    pub sets: BTreeMap<String, BTreeSet<u128>>,
}

pub fn yes() -> Term {
    node(Op::Value(1), vec![], 0)
}

pub fn no() -> Term {
    node(Op::Value(0), vec![], 0)
}

/// A truth value nothing is known of.
pub fn flag(name: impl Into<String>) -> Term {
    node(Op::Var(name.into()), vec![], 0)
}

/// A bit-vector nothing is known of.
pub fn word(name: impl Into<String>, width: u32) -> Term {
    node(Op::Var(name.into()), vec![], width)
}

pub fn bits(width: u32, value: impl Into<u128>) -> Term {
    let value = value.into();
    assert!(value & !ones(width) == 0, "{value:#x} has more than {width} bits");
    node(Op::Value(value), vec![], width)
}

pub fn all(terms: impl IntoIterator<Item = Term>) -> Term {
    terms.into_iter().reduce(|a, b| a & b).unwrap_or_else(yes)
}

pub fn any(terms: impl IntoIterator<Item = Term>) -> Term {
    terms.into_iter().reduce(|a, b| a | b).unwrap_or_else(no)
}

/// The lowest bits set.
pub fn ones(width: u32) -> u128 {
    if width >= 128 { u128::MAX } else { (1u128 << width.max(1)) - 1 }
}

fn node(op: Op, args: Vec<Term>, width: u32) -> Term {
    Term(Rc::new(Node { op, args, width }))
}

impl Term {
    pub fn node(&self) -> &Node {
        &self.0
    }
    /// Equal for clones of one term.
    pub fn id(&self) -> usize {
        Rc::as_ptr(&self.0) as usize
    }
    pub fn width(&self) -> u32 {
        self.0.width
    }

    pub fn is(&self, other: &Self) -> Self {
        self.same_sort(other);
        node(Op::Equal, vec![self.clone(), other.clone()], 0)
    }
    pub fn is_not(&self, other: &Self) -> Self {
        !self.is(other)
    }
    /// Equal to a constant.
    pub fn is_value(&self, value: impl Into<u128>) -> Self {
        self.is(&bits(self.width(), value))
    }
    pub fn is_one_of(&self, values: impl IntoIterator<Item = u128>) -> Self {
        any(values.into_iter().map(|v| self.is_value(v)))
    }
    pub fn implies(&self, then: &Self) -> Self {
        !self | then
    }
    pub fn choose(&self, then: &Self, otherwise: &Self) -> Self {
        assert_eq!(self.width(), 0, "a choice asks a truth value");
        then.same_sort(otherwise);
        node(Op::Choose, vec![self.clone(), then.clone(), otherwise.clone()], then.width())
    }
    pub fn at_most(&self, other: &Self) -> Self {
        self.same_sort(other);
        node(Op::AtMost, vec![self.clone(), other.clone()], 0)
    }
    pub fn plus(&self, other: &Self) -> Self {
        self.same_sort(other);
        node(Op::Add, vec![self.clone(), other.clone()], self.width())
    }
    pub fn minus(&self, other: &Self) -> Self {
        self.same_sort(other);
        node(Op::Sub, vec![self.clone(), other.clone()], self.width())
    }
    /// The same number in more bits.
    pub fn widen(&self, width: u32) -> Self {
        assert!(width > self.width() && self.width() > 0, "only vectors grow");
        node(Op::Widen(width - self.width()), vec![self.clone()], width)
    }
    pub fn is_in(&self, set: &str) -> Self {
        node(Op::In(set.to_owned()), vec![self.clone()], 0)
    }
    /// Do all these bits stand as in `value`?
    pub fn fits(&self, value: &Self, mask: &Self) -> Self {
        (self & mask).is(value)
    }
    pub fn has_bits(&self, set: u8) -> Self {
        let set = bits(self.width(), set);
        (self & &set).is(&set)
    }
    pub fn lacks_bits(&self, clear: u8) -> Self {
        (self & &bits(self.width(), clear)).is_value(0u8)
    }

    fn same_sort(&self, other: &Self) {
        assert_eq!(self.width(), other.width(), "terms of two sorts");
    }

    /// Adds the names of its variables; `seen` are terms looked at already.
    pub fn names(&self, out: &mut BTreeSet<String>, seen: &mut BTreeSet<usize>) {
        if !seen.insert(self.id()) {
            return;
        }
        if let Op::Var(name) = &self.0.op {
            out.insert(name.clone());
        }
        self.0.args.iter().for_each(|a| a.names(out, seen));
    }

    /// What it comes to, without a solver. Variables without a value are 0.
    pub fn value(&self, values: &Values) -> u128 {
        self.value_with(values, &mut HashMap::new())
    }
    pub fn holds(&self, values: &Values) -> bool {
        self.value(values) == 1
    }

    /// The same, remembering what parts came to, by their address: keep every term while `known` is kept.
    pub fn value_with(&self, values: &Values, known: &mut HashMap<usize, u128>) -> u128 {
        if let Some(v) = known.get(&self.id()) {
            return *v;
        }
        let args: Vec<u128> = match self.0.op {
            // The branch not taken need not be looked at.
            Op::Choose => {
                let branch = if self.0.args[0].value_with(values, known) == 1 { 1 } else { 2 };
                vec![self.0.args[branch].value_with(values, known)]
            }
            _ => self.0.args.iter().map(|a| a.value_with(values, known)).collect(),
        };
        let v = match (&self.0.op, args.as_slice()) {
            (Op::Value(v), _) => *v,
            (Op::Var(name), _) => values.words.get(name).copied().unwrap_or(0),
            (Op::Not, [a]) => !a & ones(self.0.width),
            (Op::And, [a, b]) => a & b,
            (Op::Or, [a, b]) => a | b,
            (Op::Xor, [a, b]) => a ^ b,
            (Op::Add, [a, b]) => a.wrapping_add(*b) & ones(self.0.width),
            (Op::Sub, [a, b]) => a.wrapping_sub(*b) & ones(self.0.width),
            (Op::Equal, [a, b]) => u128::from(a == b),
            (Op::AtMost, [a, b]) => u128::from(a <= b),
            (Op::Choose | Op::Widen(_), [a]) => *a,
            (Op::In(set), [a]) => u128::from(values.sets.get(set).is_some_and(|s| s.contains(a))),
            (op, _) => unreachable!("{op:?} with {} arguments", args.len()),
        };
        known.insert(self.id(), v);
        v
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident, $op:expr) => {
        impl $trait<&Term> for &Term {
            type Output = Term;
            fn $method(self, other: &Term) -> Term {
                self.same_sort(other);
                node($op, vec![self.clone(), other.clone()], self.width())
            }
        }
        impl $trait<Term> for Term {
            type Output = Term;
            fn $method(self, other: Term) -> Term {
                (&self).$method(&other)
            }
        }
        impl $trait<&Term> for Term {
            type Output = Term;
            fn $method(self, other: &Term) -> Term {
                (&self).$method(other)
            }
        }
        impl $trait<Term> for &Term {
            type Output = Term;
            fn $method(self, other: Term) -> Term {
                self.$method(&other)
            }
        }
    };
}
operator!(BitAnd, bitand, Op::And);
operator!(BitOr, bitor, Op::Or);
operator!(BitXor, bitxor, Op::Xor);

impl Not for &Term {
    type Output = Term;
    fn not(self) -> Term {
        node(Op::Not, vec![self.clone()], self.width())
    }
}
impl Not for Term {
    type Output = Term;
    fn not(self) -> Term {
        !&self
    }
}
