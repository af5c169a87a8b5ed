//! The program and its library, used as their users do.

#[cfg(test)]
mod actions;
#[cfg(test)]
mod cli;
#[cfg(test)]
#[cfg(feature = "cluster")]
mod cluster;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod differential;
#[cfg(test)]
mod patterns;
#[cfg(test)]
mod sqllogictest;
#[cfg(test)]
mod support;
#[cfg(test)]
mod walkthrough;
