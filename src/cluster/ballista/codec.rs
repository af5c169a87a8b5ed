//! [`Codec`]: how Apportion's operators and functions travel.
//!
//! A function that reads prices, aliases or bands takes them along; all other functions go by name.
//! Both say of which build they are: what another build would compute is refused, not computed.

use super::build;
use super::compact::{Compact, CompactExec};
use apportion_udfs::tally::exec::TallyExec;
use apportion_udfs::{Reference, informed_function, reference_of, register_all};
use ballista_core::serde::BallistaPhysicalExtensionCodec;
use datafusion::common::{Result, exec_err, internal_datafusion_err};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::TaskContext;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::registry::FunctionRegistry;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::{ChildrenPropertiesMode, ExecutionPlan, ReplaceChildrenOptions};
use datafusion_proto::physical_plan::{
    AsExecutionPlan, PhysicalExtensionCodec, PhysicalPlanNodeExt, PhysicalProtoConverterExtension,
};
use datafusion_proto::protobuf::PhysicalPlanNode;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Before what is ours; Ballista's own operators begin otherwise.
const OURS: &[u8] = b"apportion";
const TALLY: u8 = b't';
const COMPACT: u8 = b'c';

/// So many price books are kept: plans name one several times, and jobs the same again.
const KEPT: usize = 4;

#[derive(Debug)]
pub(super) struct Codec {
    ballista: BallistaPhysicalExtensionCodec,
    /// Apportion's own, and no others.
    functions: SessionState,
    references: Mutex<VecDeque<Packed>>,
}

/// A price book and the bytes that it travels as.
type Packed = (Arc<Reference>, Arc<[u8]>);

impl Codec {
    pub(super) fn new() -> Result<Self> {
        let mut functions = SessionStateBuilder::new().build();
        register_all(&mut functions)?;
        Ok(Self {
            ballista: BallistaPhysicalExtensionCodec::default(),
            functions,
            references: Mutex::default(),
        })
    }

    fn reference(
        &self,
        is_it: impl Fn(&Reference, &[u8]) -> bool,
        make: impl FnOnce() -> Result<Packed>,
    ) -> Result<Packed> {
        let mut kept = self
            .references
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.iter().find(|(known, bytes)| is_it(known, bytes)) {
            return Ok(known.clone());
        }
        let new = make()?;
        kept.truncate(KEPT - 1);
        kept.push_front(new.clone());
        Ok(new)
    }

    fn packed(&self, reference: &Arc<Reference>) -> Result<Arc<[u8]>> {
        let is_it = |known: &Reference, _: &[u8]| known == reference.as_ref();
        let pack = || {
            let packed = zstd::encode_all(&*reference.to_bytes()?, 0)?;
            Ok((Arc::clone(reference), packed.into()))
        };
        Ok(self.reference(is_it, pack)?.1)
    }

    fn unpacked(&self, packed: &[u8]) -> Result<Arc<Reference>> {
        let is_it = |_: &Reference, known: &[u8]| known == packed;
        let unpack = || {
            let reference = Reference::from_bytes(&zstd::decode_all(packed)?)?;
            Ok((Arc::new(reference), packed.into()))
        };
        Ok(self.reference(is_it, unpack)?.0)
    }
}

/// What comes after the stamp, if the stamp is this build's.
fn stamped<'a>(what: &str, bytes: &'a [u8]) -> Result<&'a [u8]> {
    match bytes.split_at_checked(build::STAMP.len()) {
        Some((stamp, rest)) if stamp == build::STAMP.as_bytes() => Ok(rest),
        _ => exec_err!(
            "`{what}` is of another build of apportion than this, {}",
            build::here()
        ),
    }
}

fn over(
    plan: Arc<dyn ExecutionPlan>,
    input: Arc<dyn ExecutionPlan>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    plan.replace_children(vec![input], options)
}

impl PhysicalExtensionCodec for Codec {
    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        buf: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let begin = |buf: &mut Vec<u8>, kind| {
            buf.extend(OURS);
            buf.extend(build::STAMP.as_bytes());
            buf.push(kind);
        };
        if let Some(tally) = node.downcast_ref::<TallyExec>() {
            begin(buf, TALLY);
            // Its input travels beside it.
            let schema = tally.aggregate().input().schema();
            let aggregate = Arc::clone(tally.aggregate()) as Arc<dyn ExecutionPlan>;
            let alone = over(aggregate, Arc::new(EmptyExec::new(schema)))?;
            return PhysicalPlanNode::try_from_physical_plan_with_converter(
                alone, self, converter,
            )?
            .try_encode(buf);
        }
        if node.downcast_ref::<CompactExec>().is_some() {
            begin(buf, COMPACT);
            return Ok(());
        }
        self.ballista.try_encode(node, buf, converter)
    }

    fn try_decode(
        &self,
        buf: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(ours) = buf.strip_prefix(OURS) else {
            return self.ballista.try_decode(buf, inputs, context, converter);
        };
        match (stamped("an operator", ours)?.split_first(), inputs) {
            (Some((&COMPACT, [])), [input]) => {
                Ok(Arc::new(CompactExec::new(Arc::clone(input), Compact)))
            }
            (Some((&TALLY, bytes)), [input]) => {
                let alone = PhysicalPlanNode::try_decode(bytes)?
                    .try_into_physical_plan_with_converter(context, self, converter)?;
                let aggregate = over(alone, Arc::clone(input))?;
                let aggregate = aggregate.downcast_ref::<AggregateExec>().cloned();
                let aggregate =
                    aggregate.ok_or_else(|| internal_datafusion_err!("a tally is an aggregate"))?;
                Ok(Arc::new(TallyExec::new(Arc::new(aggregate))))
            }
            _ => exec_err!("an operator arrived that apportion does not know"),
        }
    }

    fn try_encode_udf(&self, function: &ScalarUDF, buf: &mut Vec<u8>) -> Result<()> {
        if let Some(reference) = reference_of(function) {
            buf.extend(build::STAMP.as_bytes());
            buf.extend(&*self.packed(reference)?);
        } else if self.functions.udf(function.name()).is_ok() {
            buf.extend(build::STAMP.as_bytes());
        }
        Ok(())
    }

    fn try_decode_udf(&self, name: &str, buf: &[u8]) -> Result<Arc<ScalarUDF>> {
        let packed = stamped(name, buf)?;
        if packed.is_empty() {
            return self.functions.udf(name);
        }
        let function = informed_function(name, self.unpacked(packed)?);
        function.ok_or_else(|| internal_datafusion_err!("`{name}` reads no prices"))
    }

    fn try_encode_udaf(&self, function: &AggregateUDF, buf: &mut Vec<u8>) -> Result<()> {
        if self.functions.udaf(function.name()).is_ok() {
            buf.extend(build::STAMP.as_bytes());
        }
        Ok(())
    }

    fn try_decode_udaf(&self, name: &str, buf: &[u8]) -> Result<Arc<AggregateUDF>> {
        stamped(name, buf)?;
        self.functions.udaf(name)
    }

    fn try_encode_udwf(&self, function: &WindowUDF, buf: &mut Vec<u8>) -> Result<()> {
        if self.functions.udwf(function.name()).is_ok() {
            buf.extend(build::STAMP.as_bytes());
        }
        Ok(())
    }

    fn try_decode_udwf(&self, name: &str, buf: &[u8]) -> Result<Arc<WindowUDF>> {
        stamped(name, buf)?;
        self.functions.udwf(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apportion_udfs::FunctionKind;

    #[test]
    fn what_another_build_sends_is_refused() {
        let codec = Codec::new().unwrap();
        let functions = apportion_udfs::functions();
        assert!(!functions.is_empty());
        for function in functions {
            let other = b"00ff00ff00ff00ff";
            let refused = match function.kind {
                FunctionKind::Scalar => codec.try_decode_udf(function.name, other).err(),
                FunctionKind::Aggregate => codec.try_decode_udaf(function.name, other).err(),
                FunctionKind::Window => codec.try_decode_udwf(function.name, other).err(),
            };
            let refused = refused.unwrap().to_string();
            assert!(refused.contains("is of another build"), "{refused}");
        }
    }

    #[test]
    fn prices_go_once_and_arrive() {
        let codec = Codec::new().unwrap();
        let prices = Reference::from_batches(&[], &[], &[]).unwrap();
        let sent = informed_function("call_cost", Arc::new(prices)).unwrap();
        let (mut once, mut twice) = (vec![], vec![]);
        codec.try_encode_udf(&sent, &mut once).unwrap();
        codec.try_encode_udf(&sent, &mut twice).unwrap();
        assert_eq!(once, twice);
        assert_eq!(codec.references.lock().unwrap().len(), 1);
        let arrived = Codec::new()
            .unwrap()
            .try_decode_udf("call_cost", &once)
            .unwrap();
        assert_eq!(reference_of(&arrived), reference_of(&sent));
        assert!(reference_of(&sent).is_some());
    }
}
