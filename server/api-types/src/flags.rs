//! Flags: parts of the program that a share of the users has.

macro_rules! flags {
    ($(#[doc = $doc:literal] $variant:ident = $name:literal;)+) => {
        /// A part of the program that not everybody has to have. Its line here is what operators read of it. A flag
        /// leaves together with its old path.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Flag {
            $(#[doc = $doc] $variant,)+
        }

        impl Flag {
            /// Every flag there is.
            pub const ALL: &'static [Flag] = &[$(Self::$variant,)+];

            /// The name, which decides with a user's id whether they have it: it never changes.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// What whoever has it gets, as one line.
            pub const fn says(self) -> &'static str {
                match self {
                    $(Self::$variant => $doc.trim_ascii(),)+
                }
            }
        }
    };
}

flags! {
    /// Pages tell the panel what happens in them.
    ClientLog = "client_log";
}

impl Flag {
    /// The flag of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|flag| flag.name() == name)
    }
}
