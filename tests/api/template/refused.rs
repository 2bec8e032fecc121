//! Values that CloudFormation would refuse are refused before anything starts.

use super::*;

#[test]
fn a_number_out_of_the_bounds_of_its_parameter_is_refused() {
    let fault = |variable: &str, value: &str| {
        let evaluated = Template::evaluate(|name| (name == variable).then(|| value.to_owned()));
        evaluated.err().map(|fault| fault.to_string())
    };
    for (variable, right, wrong, words) in [
        ("KEY_ROTATION_DAYS", ["1", "1000"], ["0", "1001", "monthly", "", "NaN"], "is no number from 1 to 1000"),
        ("BUDGET_DOLLARS", ["0", "12.5"], ["-1", "ten", "", "1,5", "$5"], "is no number from 0"),
    ] {
        for value in right {
            assert_eq!(fault(variable, value), None, "{value}");
        }
        for value in wrong {
            assert_eq!(fault(variable, value), Some(format!("{variable} {words}")), "{value}");
        }
    }
}

#[test]
fn a_resource_of_a_known_type_that_cannot_be_read_is_not_left_out_in_silence() {
    let function = json!({ "Type": "AWS::Serverless::Function", "Properties": {} });
    assert!(serde_json::from_value::<Resource>(function).is_err());
    let topic = json!({ "Type": "AWS::SNS::Topic", "Properties": {} });
    assert!(matches!(serde_json::from_value(topic).unwrap(), Resource::Other));
}
