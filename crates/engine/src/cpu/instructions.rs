//! Which vector instructions the CPU back end uses, chosen when the program runs.
#![allow(unsafe_code)]

use std::fmt;
use std::str::FromStr;

use crate::error::EngineError;

/// A set of vector instructions. All give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// What every processor of the target has (SSE2 on x86-64, NEON on AArch64).
    Scalar,
    /// AVX2: 256 bits, products of 16-bit integers.
    Avx2,
    /// AVX2 and AVX-VNNI: 256 bits, dot products of 8-bit and 16-bit integers.
    AvxVnni,
    /// AVX-512 (F, BW, DQ, VL) and AVX-512 VNNI: the same in 512 bits.
    Avx512Vnni,
}

impl Instructions {
    /// All, slowest first.
    pub const ALL: [Instructions; 4] =
        [Instructions::Scalar, Instructions::Avx2, Instructions::AvxVnni, Instructions::Avx512Vnni];

    /// The name, as options spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Instructions::Scalar => "scalar",
            Instructions::Avx2 => "avx2",
            Instructions::AvxVnni => "avx-vnni",
            Instructions::Avx512Vnni => "avx512-vnni",
        }
    }

    /// Whether this machine has them.
    #[must_use]
    pub fn is_available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2");
            match self {
                Instructions::Scalar => true,
                Instructions::Avx2 => avx2,
                Instructions::AvxVnni => avx2 && is_x86_feature_detected!("avxvnni"),
                Instructions::Avx512Vnni => {
                    avx2 && is_x86_feature_detected!("avx512f")
                        && is_x86_feature_detected!("avx512bw")
                        && is_x86_feature_detected!("avx512dq")
                        && is_x86_feature_detected!("avx512vl")
                        && is_x86_feature_detected!("avx512vnni")
                }
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            self == Instructions::Scalar
        }
    }

    /// Those that this machine has, slowest first.
    pub fn available() -> impl Iterator<Item = Instructions> {
        Instructions::ALL.into_iter().filter(|set| set.is_available())
    }
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Instructions {
    type Err = EngineError;

    fn from_str(name: &str) -> Result<Instructions, EngineError> {
        Instructions::ALL.into_iter().find(|set| set.name() == name).ok_or_else(|| {
            let names = Instructions::ALL.map(Instructions::name).join(", ");
            EngineError::Machine(format!("{name:?} are no instructions that are known here; choose one of {names}"))
        })
    }
}

/// Instructions that this machine was seen to have: what makes calling code that uses
/// them sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Level(Instructions);

impl Level {
    /// The fastest that this machine has.
    pub fn best() -> Level {
        Level(Instructions::available().last().unwrap_or(Instructions::Scalar))
    }

    /// # Errors
    /// This machine lacks them.
    pub fn of(set: Instructions) -> Result<Level, EngineError> {
        if set.is_available() {
            return Ok(Level(set));
        }
        let names = Instructions::available().map(Instructions::name).collect::<Vec<_>>().join(", ");
        Err(EngineError::Machine(format!("this processor has no {set} instructions; choose one of {names}")))
    }

    pub fn get(self) -> Instructions {
        self.0
    }
}

/// Compiles a function once for each set of instructions; the caller chooses by a
/// [`Level`]. The compiler then makes vector code of the plain loops in it, and of
/// whatever is inlined into it. It fuses nothing: `fma` is not among the features, and
/// would not be used unasked if it were.
///
/// What is not inlined into it is compiled once, for every processor: hand no large closure to
/// a function that is not `#[inline(always)]`, such as `LocalKey::with`.
macro_rules! for_level {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($level:ident; $($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name($level: $crate::cpu::instructions::Level, $($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn body($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            #[allow(clippy::too_many_arguments)]
            fn avx2($($arg: $ty),*) $(-> $ret)? {
                body($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl")]
            #[allow(clippy::too_many_arguments)]
            fn avx512($($arg: $ty),*) $(-> $ret)? {
                body($($arg),*)
            }
            match $level.get() {
                #[cfg(target_arch = "x86_64")]
                $crate::Instructions::Avx2 | $crate::Instructions::AvxVnni => {
                    // SAFETY: a level of these instructions exists only where AVX2 was detected.
                    #[allow(unsafe_code)]
                    unsafe { avx2($($arg),*) }
                }
                #[cfg(target_arch = "x86_64")]
                $crate::Instructions::Avx512Vnni => {
                    // SAFETY: a level of these instructions exists only where all five were detected.
                    #[allow(unsafe_code)]
                    unsafe { avx512($($arg),*) }
                }
                _ => body($($arg),*),
            }
        }
    };
}
pub(super) use for_level;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for set in Instructions::ALL {
            assert_eq!(set.to_string().parse::<Instructions>().unwrap(), set);
        }
        let error = "sse9".parse::<Instructions>().unwrap_err().to_string();
        assert!(error.contains("\"sse9\"") && error.contains("avx512-vnni"), "{error}");
    }

    #[test]
    fn the_best_is_available() {
        assert!(Level::best().get().is_available());
        for set in Instructions::ALL {
            match Level::of(set) {
                Ok(level) => assert!(level.get() == set && set.is_available()),
                Err(error) => assert!(!set.is_available() && error.to_string().contains("choose one of scalar")),
            }
        }
    }
}
