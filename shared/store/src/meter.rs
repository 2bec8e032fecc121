//! Measures every database call: an interceptor of the SDK that requests the consumed capacity, and records attempts, time and units.

use std::time::Instant;

use aws_sdk_dynamodb::config::interceptors::{
    BeforeSerializationInterceptorContextMut, BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::operation::{
    batch_get_item as batch_get, delete_item as delete, get_item as get, put_item as put, query,
    transact_write_items as transact, update_item as update,
};
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{Input, Output};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use user_telemetry::{metric, usage};

/// The label of a call that concerns more than one table.
const SEVERAL: &str = "several";

/// See the module. It has the tables' names with their labels in metrics.
#[derive(Debug, Clone)]
pub(super) struct Meter(pub(super) [(String, &'static str); 3]);

#[derive(Debug)]
struct Started(Instant);

impl Storable for Started {
    type Storer = StoreReplace<Self>;
}

/// Requests the consumed capacity, whichever operation the input belongs to.
macro_rules! ask {
    ($input:expr, $($of:ident::$type:ident),+) => {$(
        if let Some(input) = $input.downcast_mut::<$of::$type>() {
            input.return_consumed_capacity = Some(ReturnConsumedCapacity::Indexes);
        }
    )+};
}

/// The one table that an input of these operations names.
macro_rules! table {
    ($input:expr, $($of:ident::$type:ident),+) => {
        None::<&str>$(.or_else(|| $input.downcast_ref::<$of::$type>().and_then(|input| input.table_name())))+
    };
}

/// The units in an output of these operations, which have one capacity.
macro_rules! units {
    ($output:expr, $($of:ident::$type:ident),+) => {
        0.0 $(+ $output.downcast_ref::<$of::$type>().and_then(|o| o.consumed_capacity()).map_or(0.0, of))+
    };
}

/// The same for operations that have a capacity for each table.
macro_rules! units_of_all {
    ($output:expr, $($of:ident::$type:ident),+) => {
        0.0 $(+ $output.downcast_ref::<$of::$type>().map_or(0.0, |o| o.consumed_capacity().iter().map(of).sum::<f64>()))+
    };
}

fn of(capacity: &ConsumedCapacity) -> f64 {
    capacity.capacity_units().unwrap_or(0.0)
}

fn consumed(output: &Output) -> f64 {
    units!(
        output,
        get::GetItemOutput,
        put::PutItemOutput,
        update::UpdateItemOutput,
        delete::DeleteItemOutput,
        query::QueryOutput
    ) + units_of_all!(output, batch_get::BatchGetItemOutput, transact::TransactWriteItemsOutput)
}

impl Meter {
    fn label(&self, input: &Input) -> &'static str {
        let table = table!(
            input,
            get::GetItemInput,
            put::PutItemInput,
            update::UpdateItemInput,
            delete::DeleteItemInput,
            query::QueryInput
        );
        let known = self.0.iter().find(|(name, _)| Some(name.as_str()) == table);
        known.map_or(SEVERAL, |(_, label)| label)
    }
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        bag.interceptor_state().store_put(Started(Instant::now()));
        Ok(())
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let input = context.input_mut();
        ask!(input, get::GetItemInput, put::PutItemInput, update::UpdateItemInput, delete::DeleteItemInput);
        ask!(input, query::QueryInput, batch_get::BatchGetItemInput);
        ask!(input, transact::TransactWriteItemsInput);
        // The input is not available any more when the call is over.
        let table = Table(self.label(input));
        bag.interceptor_state().store_put(table);
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = bag.load::<Metadata>().map_or("", Metadata::name);
        let table = bag.load::<Table>().map_or(SEVERAL, |table| table.0);
        let attempts = bag.load::<RequestAttempts>().map_or(1, RequestAttempts::attempts).max(1);
        let seconds = bag.load::<Started>().map_or(0.0, |started| started.0.elapsed().as_secs_f64());
        let outcome = context.output_or_error();
        let units = outcome.and_then(Result::ok).map_or(0.0, consumed);
        usage::note_call(attempts, units);
        let labels = [operation, table];
        metric::DYNAMODB_CALLS.add(&labels, 1);
        metric::DYNAMODB_SECONDS.record(&labels, seconds);
        metric::DYNAMODB_RETRIES.add(&labels, u64::from(attempts - 1));
        metric::DYNAMODB_UNITS.add(&labels, whole(units));
        if outcome.is_some_and(|outcome| outcome.is_err_and(|error| error.as_operation_error().is_none())) {
            metric::DYNAMODB_FAILURES.add(&labels, 1);
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Table(&'static str);

impl Storable for Table {
    type Storer = StoreReplace<Self>;
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few, and never negative")]
fn whole(units: f64) -> u64 {
    units.ceil() as u64
}
