//! A solver of bit-vectors, as a process that speaks SMT-LIB.

use easy_smt::{Context, ContextBuilder, Response, SExpr};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};

use crate::term::{Op, Term, Values};

/// One query may take this long, on a busy machine too, before it counts as not proved.
pub const SECONDS: u32 = 120;

/// What the solver says of a conjunction.
#[derive(Debug, Clone)]
pub enum Answer {
    /// No values make all of it true.
    Unsat,
    /// These do.
    Sat(Box<Values>),
    /// Not decided in time.
    Unknown,
}

/// A solver of this machine.
#[derive(Debug, Clone)]
pub struct Solver {
    program: PathBuf,
    arguments: Vec<String>,
}

impl fmt::Display for Solver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.program.display())
    }
}

impl Solver {
    /// cvc5, or else z3 (too slow for some of the lemmas: then they count as not proved), or else how to get one.
    pub fn find() -> Result<Self, String> {
        ["cvc5", "z3"].iter().find_map(|name| Self::named(name).ok()).ok_or_else(|| {
            "no SMT solver is installed: `cargo xtask setup` or `apt-get install cvc5` brings one".to_owned()
        })
    }

    /// This one, if it is installed.
    pub fn named(name: &str) -> Result<Self, String> {
        let ms = SECONDS * 1000;
        let arguments = match name {
            "z3" => vec!["-smt2".to_owned(), "-in".to_owned(), format!("-t:{ms}")],
            "cvc5" => {
                vec![
                    "--quiet".to_owned(),
                    "--lang=smt2".to_owned(),
                    "--incremental".to_owned(),
                    format!("--tlimit-per={ms}"),
                ]
            }
            _ => return Err(format!("there is no solver `{name}` here: z3 or cvc5")),
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| Path::new(file).is_file());
        let program = found.ok_or_else(|| format!("{name} is not installed: apt-get install {name}"))?;
        Ok(Self { program, arguments })
    }

    /// Can all these be true at once?
    ///
    /// A fresh process each time: what is decided of one lemma cannot lean on another, and the solver may use what it
    /// only has without a stack of assertions.
    pub fn ask(&self, terms: &[Term]) -> Result<Answer, String> {
        self.converse(terms).map_err(|e| format!("{self}: {e}"))
    }

    fn converse(&self, terms: &[Term]) -> std::io::Result<Answer> {
        let mut builder = ContextBuilder::new();
        builder.solver(&self.program).solver_args(&self.arguments);
        let mut script = Script::new(builder.build()?);
        script.smt.set_logic("QF_UFBV")?;
        for term in terms {
            let term = script.send(term)?;
            script.smt.assert(term)?;
        }
        match script.smt.check()? {
            Response::Unsat => Ok(Answer::Unsat),
            Response::Unknown => Ok(Answer::Unknown),
            Response::Sat => Ok(Answer::Sat(Box::new(script.values()?))),
        }
    }
}

/// What was said to a solver so far.
struct Script {
    smt: Context,
    sent: HashMap<usize, SExpr>,
    /// Terms whose address is in `sent`: kept, so that no other gets the same.
    kept: Vec<Term>,
    words: BTreeMap<String, (SExpr, u32)>,
    sets: BTreeMap<String, SExpr>,
    asked: Vec<(String, SExpr, SExpr)>,
}

impl Script {
    fn new(smt: Context) -> Self {
        let (sent, kept, words) = (HashMap::new(), Vec::new(), BTreeMap::new());
        Self { smt, sent, kept, words, sets: BTreeMap::new(), asked: Vec::new() }
    }

    /// Names the term, so that what is shared is said once.
    fn send(&mut self, term: &Term) -> std::io::Result<SExpr> {
        if let Some(known) = self.sent.get(&term.id()) {
            return Ok(*known);
        }
        let node = term.node();
        let args = node.args.iter().map(|a| self.send(a)).collect::<std::io::Result<Vec<_>>>()?;
        let sent = match &node.op {
            Op::Value(v) => self.constant(node.width, *v),
            Op::Var(name) => self.word(name, node.width)?,
            op => {
                let head = self.head(op, node.width)?;
                let body = self.smt.list(std::iter::once(head).chain(args.iter().copied()).collect());
                let sort = self.sort(node.width);
                let name = self.smt.define_const(format!("t{}", self.sent.len()), sort, body)?;
                if let (Op::In(set), [arg]) = (op, args.as_slice()) {
                    self.asked.push((set.clone(), *arg, name));
                }
                name
            }
        };
        self.sent.insert(term.id(), sent);
        self.kept.push(term.clone());
        Ok(sent)
    }

    fn head(&mut self, op: &Op, width: u32) -> std::io::Result<SExpr> {
        let name = match (op, width) {
            (Op::Not, 0) => "not",
            (Op::And, 0) => "and",
            (Op::Or, 0) => "or",
            (Op::Xor, 0) => "xor",
            (Op::Not, _) => "bvnot",
            (Op::And, _) => "bvand",
            (Op::Or, _) => "bvor",
            (Op::Xor, _) => "bvxor",
            (Op::Add, _) => "bvadd",
            (Op::Sub, _) => "bvsub",
            (Op::Equal, _) => "=",
            (Op::AtMost, _) => "bvule",
            (Op::Choose, _) => "ite",
            (Op::In(set), _) => return self.set(set),
            (Op::Widen(by), _) => {
                let [underscore, extend] = ["_", "zero_extend"].map(|a| self.smt.atom(a));
                return Ok(self.smt.list(vec![underscore, extend, self.smt.numeral(*by)]));
            }
            (Op::Value(_) | Op::Var(_), _) => unreachable!("leaves have no head"),
        };
        Ok(self.smt.atom(name))
    }

    fn sort(&self, width: u32) -> SExpr {
        if width == 0 { self.smt.bool_sort() } else { self.smt.bit_vec_sort(self.smt.numeral(width)) }
    }

    fn constant(&self, width: u32, value: u128) -> SExpr {
        match (width, value) {
            (0, 0) => self.smt.false_(),
            (0, _) => self.smt.true_(),
            (w, v) => self.smt.atom(format!("#b{v:0w$b}", w = w as usize)),
        }
    }

    fn word(&mut self, name: &str, width: u32) -> std::io::Result<SExpr> {
        if let Some((known, w)) = self.words.get(name) {
            assert_eq!(*w, width, "{name} has two widths");
            return Ok(*known);
        }
        let sort = self.sort(width);
        let declared = self.smt.declare_const(name, sort)?;
        self.words.insert(name.to_owned(), (declared, width));
        Ok(declared)
    }

    /// A set of ports is a function from ports to truth: any set at all.
    fn set(&mut self, name: &str) -> std::io::Result<SExpr> {
        if let Some(known) = self.sets.get(name) {
            return Ok(*known);
        }
        let declared = self.smt.declare_fun(name, vec![self.sort(16)], self.smt.bool_sort())?;
        self.sets.insert(name.to_owned(), declared);
        Ok(declared)
    }

    fn values(&mut self) -> std::io::Result<Values> {
        let mut values = Values::default();
        let names: Vec<_> = self.words.iter().map(|(n, (e, _))| (n.clone(), *e)).collect();
        let told = self.told(names.iter().map(|(_, e)| *e).collect())?;
        values.words.extend(names.into_iter().map(|(n, _)| n).zip(told));
        let asked = self.asked.clone();
        let numbers = self.told(asked.iter().map(|(_, arg, _)| *arg).collect())?;
        let members = self.told(asked.iter().map(|(_, _, member)| *member).collect())?;
        for (((set, ..), number), member) in asked.into_iter().zip(numbers).zip(members) {
            let set = values.sets.entry(set).or_default();
            if member == 1 {
                set.insert(number);
            }
        }
        Ok(values)
    }

    fn told(&mut self, terms: Vec<SExpr>) -> std::io::Result<Vec<u128>> {
        let pairs = self.smt.get_value(terms)?;
        pairs.into_iter().map(|(_, v)| number(&self.smt.display(v).to_string())).collect()
    }
}

fn number(text: &str) -> std::io::Result<u128> {
    let radix = |digits: &str, radix| u128::from_str_radix(digits, radix).ok();
    match text {
        "true" => Some(1),
        "false" => Some(0),
        t => t.strip_prefix("#x").and_then(|d| radix(d, 16)).or_else(|| t.strip_prefix("#b").and_then(|d| radix(d, 2))),
    }
    .ok_or_else(|| std::io::Error::other(format!("`{text}` is no value")))
}
