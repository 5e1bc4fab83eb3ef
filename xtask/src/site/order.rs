//! The functions of a wasm in an order that compresses well: equal ones once, and each beside one that is like it.
//!
//! Rust compiles a generic function anew for each type. Code that two such functions share costs least where they are
//! neighbours, and walrus writes functions by their length. Nothing that runs changes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::{Context, Result};
use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{CodeSection, FunctionSection, Module};
use wasmparser::{
    CodeSectionReader, FunctionBody, FunctionSectionReader, Operator, Parser, Payload, TypeRef,
};

/// Length of the pieces of code by which functions are compared, in bytes.
const PIECE: usize = 6;
/// Maximum functions that share a piece that shows likeness: what more of them share is everywhere.
const COMMON: usize = 200;

/// Returns the same wasm with its functions in that order.
pub(super) fn by_likeness(wasm: &[u8]) -> Result<Vec<u8>> {
    let (imported, functions) = read(wasm)?;
    let twins = twins(imported, &functions);
    let order =
        neighbours(functions.iter().filter(|function| twins.get(function.number) == Some(&function.number)));
    let places: HashMap<usize, u32> = (0..imported).chain(order.iter().copied()).zip(0..).collect();
    let numbers = twins.iter().map(|twin| places.get(twin).copied()).collect::<Option<_>>();
    let numbers = numbers.context("a function has no place")?;
    let order = order.into_iter().map(|number| number - imported).collect();
    let mut module = Module::new();
    Reordered { order, numbers }
        .parse_core_module(&mut module, Parser::new(0), wasm)
        .context("the functions of the page cannot be put in order")?;
    Ok(module.finish())
}

/// A function that is not imported.
struct Function {
    /// Its number among all functions; those that are imported come first.
    number: usize,
    kind: u32,
    /// Its code, without the numbers of the functions that it names.
    code: Vec<u8>,
    /// Numbers of the functions that it names.
    named: Vec<usize>,
}

/// Returns the number of functions that are imported, and the others.
fn read(wasm: &[u8]) -> Result<(usize, Vec<Function>)> {
    let (mut imported, mut kinds, mut functions) = (0, Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    imported += usize::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::FunctionSection(section) => kinds = section.into_iter().collect::<Result<_, _>>()?,
            Payload::CodeSectionEntry(body) => {
                let kind = *kinds.get(functions.len()).context("a function has no type")?;
                functions.push(Function::new(imported + functions.len(), kind, &body)?);
            }
            _ => {}
        }
    }
    Ok((imported, functions))
}

impl Function {
    fn new(number: usize, kind: u32, body: &FunctionBody<'_>) -> Result<Self> {
        let (start, bytes) = (body.range().start, body.as_bytes());
        let (mut code, mut named, mut copied) = (Vec::new(), Vec::new(), 0);
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            let (operator, begin) = operators.read_with_offset()?;
            if let Operator::Call { function_index } | Operator::RefFunc { function_index } = operator {
                // The number stands behind the one byte of the operator.
                let at = usize::try_from(begin - start)? + 1;
                code.extend(bytes.get(copied..at).unwrap_or_default());
                named.push(usize::try_from(function_index)?);
                copied = usize::try_from(operators.original_position() - start)?;
            }
        }
        code.extend(bytes.get(copied..).unwrap_or_default());
        Ok(Self { number, kind, code, named })
    }
}

/// For each function the number of the first that is equal to it: in most cases its own. Functions that differ in nothing
/// but in which of two equal functions they name are equal too.
fn twins(imported: usize, functions: &[Function]) -> Vec<usize> {
    let mut twins: Vec<usize> = (0..imported + functions.len()).collect();
    loop {
        let mut known = HashMap::new();
        let own = functions.iter().map(|function| {
            let named: Vec<_> = function.named.iter().map(|number| twins.get(*number)).collect();
            *known.entry((function.kind, &function.code, named)).or_insert(function.number)
        });
        let next: Vec<usize> = (0..imported).chain(own).collect();
        if next == twins {
            return twins;
        }
        twins = next;
    }
}

/// Numbers of functions, each followed by the one that shares the largest part of its code, or, where none shares any, by
/// the longest.
fn neighbours<'f>(functions: impl Iterator<Item = &'f Function>) -> Vec<usize> {
    let mut left: BTreeMap<usize, HashSet<&[u8]>> =
        functions.map(|function| (function.number, function.code.windows(PIECE).collect())).collect();
    let mut places: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for (number, pieces) in &left {
        pieces.iter().for_each(|piece| places.entry(piece).or_default().push(*number));
    }
    places.retain(|_, numbers| numbers.len() <= COMMON);
    let (mut order, mut next) = (Vec::new(), None);
    loop {
        let longest = || left.iter().max_by_key(|(_, pieces)| pieces.len()).map(|(number, _)| *number);
        let Some(number) = next.or_else(longest) else { return order };
        let pieces = left.remove(&number).unwrap_or_default();
        order.push(number);
        let mut shared: HashMap<usize, usize> = HashMap::new();
        for other in pieces.iter().filter_map(|piece| places.get(piece)).flatten() {
            *shared.entry(*other).or_default() += 1;
        }
        let likeness = |(other, shared): (usize, usize)| {
            let all = pieces.len() + left.get(&other)?.len() - shared;
            Some((shared * 1_000_000 / all, Reverse(other)))
        };
        next = shared.into_iter().filter_map(likeness).max().map(|(_, Reverse(other))| other);
    }
}

/// Writes a wasm anew with its functions in another order.
struct Reordered {
    /// Old places of the functions that are not imported, as they follow each other now.
    order: Vec<usize>,
    /// New numbers of all functions.
    numbers: Vec<u32>,
}

impl Reencode for Reordered {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, number: u32) -> Result<u32, Error> {
        self.numbers.get(number as usize).copied().ok_or(Error::InvalidCodeSectionSize)
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error> {
        let kinds: Vec<u32> = section.into_iter().collect::<Result<_, _>>()?;
        for kind in self.order.iter().filter_map(|place| kinds.get(*place)) {
            functions.function(*kind);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), Error> {
        let bodies: Vec<FunctionBody<'_>> = section.into_iter().collect::<Result<_, _>>()?;
        for body in self.order.clone().into_iter().filter_map(|place| bodies.get(place)) {
            self.parse_function_body(code, body.clone())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_functions_become_one_beside_their_like() {
        // The first and the third call equal functions, and differ in nothing else.
        let bodies: [&[u8]; 6] = [
            &[0, 0x10, 1, 0x41, 1, 0x41, 2, 0x41, 3, 0x1a, 0x1a, 0x1a, 0x0b],
            &[0, 0x0b],
            &[0, 0x10, 3, 0x41, 1, 0x41, 2, 0x41, 3, 0x1a, 0x1a, 0x1a, 0x0b],
            &[0, 0x0b],
            &[0, 0x42, 9, 0x1a, 0x42, 8, 0x1a, 0x42, 7, 0x1a, 0x42, 6, 0x1a, 0x42, 5, 0x1a, 0x0b],
            &[0, 0x10, 2, 0x41, 1, 0x41, 2, 0x41, 3, 0x1a, 0x1a, 0x1a, 0x01, 0x0b],
        ];
        let code: Vec<u8> =
            bodies.iter().flat_map(|body| [&[u8::try_from(body.len()).unwrap()], *body].concat()).collect();
        let section = |id: u8, body: &[u8]| [&[id, u8::try_from(body.len()).unwrap()], body].concat();
        let wasm = [
            b"\0asm\x01\0\0\0".to_vec(),
            section(1, &[1, 0x60, 0, 0]),
            section(3, &[6, 0, 0, 0, 0, 0, 0]),
            section(7, &[2, 1, b'a', 0, 2, 1, b'b', 0, 5]),
            section(10, &[&[6][..], &code].concat()),
        ];
        let ordered = by_likeness(&wasm.concat()).unwrap();
        let (_, functions) = read(&ordered).unwrap();
        let named: Vec<_> =
            functions.iter().map(|function| (function.code.len(), function.named.clone())).collect();
        assert_eq!(named, [(17, vec![]), (13, vec![2]), (12, vec![3]), (2, vec![])]);
        assert!(ordered.windows(11).any(|bytes| bytes == section(7, &[2, 1, b'a', 0, 2, 1, b'b', 0, 1])));
        assert_eq!(by_likeness(&ordered).unwrap(), ordered);
    }
}
