//! Short names for what the module takes from its script: wasm-bindgen gives each a name with a digest in it, which no
//! compression makes shorter, and which travels twice.

use std::collections::HashMap;

use anyhow::{anyhow, ensure};
use wasm_encoder::{
    ImportSection, Module,
    reencode::{Error, Reencode, utils},
};
use wasmparser::{Import, Imports, Parser, Payload};

/// The module and its script with short names for what the one imports from the other.
///
/// Errors: a name that does not stand in the script exactly once, at the beginning of a line, as that of a function.
pub fn shorten(wasm: &[u8], script: &str) -> anyhow::Result<(Vec<u8>, String)> {
    let mut names = Names::of(wasm)?;
    let script = names.replace_in(script)?;
    let mut module = Module::new();
    names
        .parse_core_module(&mut module, Parser::new(0), wasm)
        .map_err(|error| anyhow!("the module cannot be written with other names: {error}"))?;
    Ok((module.finish(), script))
}

/// Under this name the script hands itself to the module.
const SCRIPT: &str = "./frontend_bg.js";

/// The short name of each long one.
struct Names(HashMap<String, String>);

impl Names {
    fn of(wasm: &[u8]) -> anyhow::Result<Self> {
        let mut names = HashMap::new();
        for payload in Parser::new(0).parse_all(wasm) {
            let Payload::ImportSection(imports) = payload? else { continue };
            for import in imports.into_imports() {
                let import = import?;
                if import.module == SCRIPT {
                    let short = format!("i{}", names.len());
                    names.entry(import.name.to_owned()).or_insert(short);
                }
            }
        }
        Ok(Self(names))
    }

    fn replace_in(&self, script: &str) -> anyhow::Result<String> {
        let mut replaced = String::with_capacity(script.len());
        let mut count = 0;
        for line in script.lines() {
            let code = line.trim_start();
            let named = code.split_once(": ").and_then(|(name, rest)| Some((self.0.get(name)?, rest)));
            match named {
                Some((short, rest)) => {
                    count += 1;
                    replaced.push_str(&line[..line.len() - code.len()]);
                    replaced = replaced + short + ": " + rest;
                }
                None => replaced.push_str(line),
            }
            replaced.push('\n');
        }
        ensure!(
            count == self.0.len(),
            "the module imports {} functions of its script, which has {count} of them",
            self.0.len()
        );
        Ok(replaced)
    }
}

impl Reencode for Names {
    type Error = std::convert::Infallible;

    fn parse_imports(
        &mut self,
        section: &mut ImportSection,
        imports: Imports<'_>,
    ) -> Result<(), Error<Self::Error>> {
        match imports {
            Imports::Single(at, import) if import.module == SCRIPT => {
                let short = self.0.get(import.name).cloned();
                let name = short.as_deref().unwrap_or(import.name);
                utils::parse_imports(self, section, Imports::Single(at, Import { name, ..import }))
            }
            others => utils::parse_imports(self, section, others),
        }
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{EntityType, TypeSection};

    use super::*;

    fn module(names: &[(&str, &str)]) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut imports = ImportSection::new();
        for (from, name) in names {
            imports.import(from, name, EntityType::Function(0));
        }
        let mut module = Module::new();
        module.section(&types).section(&imports);
        module.finish()
    }

    #[test]
    fn both_sides_of_an_import_get_the_same_short_name() {
        let wasm = module(&[(SCRIPT, "__wbg_push_c9f4"), ("./parts.js", "load"), (SCRIPT, "__wbg_new_ba40")]);
        let script = "const import0 = {\n  __wbg_new_ba40: function() {\n  },\n  __wbg_push_c9f4: function() {\n  },\n};\n";
        let (wasm, script) = shorten(&wasm, script).expect("short names");
        assert_eq!(script, "const import0 = {\n  i1: function() {\n  },\n  i0: function() {\n  },\n};\n");
        assert_eq!(wasm, module(&[(SCRIPT, "i0"), ("./parts.js", "load"), (SCRIPT, "i1")]));
    }

    #[test]
    fn a_name_that_the_script_does_not_have_stops_the_build() {
        let wasm = module(&[(SCRIPT, "__wbg_push_c9f4")]);
        let error = shorten(&wasm, "const import0 = {\n};\n").expect_err("nothing to import");
        assert_eq!(error.to_string(), "the module imports 1 functions of its script, which has 0 of them");
    }
}
