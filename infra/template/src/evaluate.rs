//! The subset of CloudFormation's language that the template uses: parameters, conditions, `Ref`, `GetAtt`, `Sub`, `Join`, `Split`,
//! `Select`, `If`, `Equals`, `Not`, `And`. Any other function is an error, so that the local stack never guesses.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use serde_saphyr::Tagged;

use crate::{Fault, REGION, environment_name};

/// A YAML node with its tags kept: `!Ref X` is `{"Ref": "X"}`, any other `!F x` is `{"Fn::F": x}`.
struct Node(Value);

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Tagged(Untagged(value), tag) = Tagged::deserialize(deserializer)?;
        Ok(Self(match tag.as_deref().and_then(|tag| tag.strip_prefix('!')) {
            Some("Ref") => json!({ "Ref": value }),
            Some(function) => Value::Object(Map::from_iter([(format!("Fn::{function}"), value)])),
            None => value,
        }))
    }
}

/// A node without its own tag, whose children are [`Node`]s.
struct Untagged(Value);

impl<'de> Deserialize<'de> for Untagged {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Parts).map(Self)
    }
}

struct Parts;

impl<'de> Visitor<'de> for Parts {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, Node(value))) = access.next_entry()? {
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Node(value)) = access.next_element()? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(json!(text))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(json!(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(json!(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(json!(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(json!(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

pub(super) fn evaluate(source: &str, setting: impl Fn(&str) -> Option<String>) -> Result<Value, Fault> {
    let options = serde_saphyr::options! { strict_booleans: true };
    let Node(mut template) = serde_saphyr::from_str_with_options(source, options)?;
    let parameters = template["Parameters"].take();
    let known = parameters.as_object().into_iter().flatten().map(|(name, parameter)| {
        let variable = environment_name(name);
        let value = setting(&variable).map_or_else(|| parameter["Default"].clone(), Value::String);
        within(&variable, parameter, &value)?;
        Ok((name.clone(), if parameter["Type"] == "CommaDelimitedList" { split(&value) } else { value }))
    });
    let parameters = known.collect::<Result<_, Fault>>()?;
    let scope = Scope { parameters, conditions: template["Conditions"].take() };
    template["Outputs"].take();
    scope.leave_out(&mut template["Resources"])?;
    scope.resolve(template)
}

/// Refuses a number that is not between the parameter's `MinValue` and `MaxValue`, as CloudFormation does.
fn within(variable: &str, parameter: &Value, value: &Value) -> Result<(), Fault> {
    let [low, high] = ["MinValue", "MaxValue"].map(|name| parameter[name].as_f64());
    let number = || value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    let is_within = |number: f64| low.is_none_or(|low| number >= low) && high.is_none_or(|high| number <= high);
    if (low, high) == (None, None) || number().is_some_and(is_within) {
        return Ok(());
    }
    let bounds = [low.map(|low| format!(" from {low}")), high.map(|high| format!(" to {high}"))];
    Err(format!("{variable} is no number{}", bounds.into_iter().flatten().collect::<String>()).into())
}

fn split(value: &Value) -> Value {
    value.as_str().unwrap_or_default().split(',').map(str::trim).collect()
}

/// The values of parameters, and the conditions as written.
struct Scope {
    parameters: Map<String, Value>,
    conditions: Value,
}

impl Scope {
    /// Removes the resources whose condition does not hold.
    fn leave_out(&self, resources: &mut Value) -> Result<(), Fault> {
        let Some(resources) = resources.as_object_mut() else { return Ok(()) };
        let mut absent = Vec::new();
        for (name, resource) in resources.iter() {
            if let Some(condition) = resource["Condition"].as_str()
                && !self.holds(condition)?
            {
                absent.push(name.clone());
            }
        }
        absent.iter().for_each(|name| drop(resources.remove(name)));
        Ok(())
    }

    fn resolve(&self, value: Value) -> Result<Value, Fault> {
        match value {
            Value::Array(list) => {
                let resolved = list.into_iter().map(|value| self.resolve(value)).collect::<Result<Vec<_>, _>>()?;
                Ok(Value::Array(resolved.into_iter().filter(|value| !value.is_null()).collect()))
            }
            Value::Object(map) if map.len() == 1 => match map.iter().next() {
                Some((name, argument)) if name == "Ref" => self.reference(argument),
                Some((name, argument)) if name == "Fn::If" => self.choose(argument),
                Some((name, argument)) if name.starts_with("Fn::") => self.call(name, self.resolve(argument.clone())?),
                _ => self.resolve_each(map),
            },
            Value::Object(map) => self.resolve_each(map),
            scalar => Ok(scalar),
        }
    }

    fn resolve_each(&self, map: Map<String, Value>) -> Result<Value, Fault> {
        let mut resolved = Map::new();
        for (key, value) in map {
            // A property with the value `AWS::NoValue` is removed.
            match self.resolve(value)? {
                Value::Null => {}
                value => {
                    resolved.insert(key, value);
                }
            }
        }
        Ok(Value::Object(resolved))
    }

    /// A parameter's value; for a resource its logical id, which is its name locally.
    fn reference(&self, name: &Value) -> Result<Value, Fault> {
        let name = name.as_str().ok_or("a Ref names nothing")?;
        match name {
            "AWS::NoValue" => Ok(Value::Null),
            "AWS::StackName" => Ok(json!("local")),
            "AWS::StackId" => Ok(json!("arn:aws:cloudformation:local:000000000000:stack/local/local")),
            "AWS::Region" => Ok(json!(REGION)),
            "AWS::URLSuffix" => Ok(json!("amazonaws.com")),
            _ => Ok(self.parameters.get(name).cloned().unwrap_or_else(|| json!(name))),
        }
    }

    /// Whether the condition `name` holds.
    fn holds(&self, name: &str) -> Result<bool, Fault> {
        let condition = self.conditions.get(name).ok_or_else(|| format!("there is no condition {name}"))?;
        self.resolve(condition.clone())?.as_bool().ok_or_else(|| format!("{name} is no condition").into())
    }

    /// The value that a condition selects; the other value may refer to a missing resource.
    fn choose(&self, argument: &Value) -> Result<Value, Fault> {
        match argument.as_array().map(Vec::as_slice) {
            Some([Value::String(condition), yes, no]) => {
                self.resolve(if self.holds(condition)? { yes } else { no }.clone())
            }
            _ => Err("If takes a condition and two values".into()),
        }
    }

    fn call(&self, function: &str, argument: Value) -> Result<Value, Fault> {
        match (function, argument) {
            ("Fn::GetAtt", Value::String(attribute)) => Ok(json!(attribute)),
            ("Fn::Sub", Value::String(text)) => self.substitute(&text),
            ("Fn::Join", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(separator), Value::Array(texts)] => {
                    Ok(json!(texts.iter().map(super::text).collect::<Vec<_>>().join(separator)))
                }
                _ => Err("Join takes a separator and a list".into()),
            },
            ("Fn::Split", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(separator), Value::String(text)] => Ok(text.split(separator.as_str()).collect()),
                _ => Err("Split takes a separator and a text".into()),
            },
            ("Fn::Select", Value::Array(parts)) => match parts.as_slice() {
                [at, Value::Array(list)] => {
                    let at: usize = super::text(at).parse()?;
                    Ok(list.get(at).cloned().ok_or("Select finds nothing there")?)
                }
                _ => Err("Select takes a number and a list".into()),
            },
            ("Fn::Condition", Value::String(name)) => Ok(json!(self.holds(&name)?)),
            ("Fn::Equals", Value::Array(sides)) if sides.len() == 2 => Ok(json!(sides[0] == sides[1])),
            ("Fn::Not", Value::Array(parts)) if parts.len() == 1 => Ok(json!(parts[0] == false)),
            ("Fn::And", Value::Array(parts)) => Ok(json!(parts.iter().all(|part| *part == true))),
            _ => Err(format!("the local stack does not know {function} in this form").into()),
        }
    }

    fn substitute(&self, text: &str) -> Result<Value, Fault> {
        let mut parts = text.split("${");
        let mut result = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').ok_or("a Sub has no closing brace")?;
            result.push_str(&super::text(&self.reference(&json!(name))?));
            result.push_str(rest);
        }
        Ok(Value::String(result))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "
Parameters: {Key: {Type: String, Default: ''}, Sender: {Type: String, Default: no-reply@example.com}}
Conditions: {HasKey: !Not [!Equals [!Ref Key, '']]}
Resources:
  Sealed: {Condition: HasKey, Type: Seal, By: !Ref Key}
  Open:
    Type: List
    Entries: [first, !If [HasKey, !Sub 'by.${AWS::Region}.${AWS::URLSuffix}', !Ref AWS::NoValue]]
    Only: !If [HasKey, !Ref Key, !Ref AWS::NoValue]
    Domain: !Select [1, !Split ['@', !Ref Sender]]
Outputs: {}
";

    #[test]
    fn what_a_condition_does_not_choose_is_not_there() {
        let resources = |key: &str| {
            let setting = |name: &str| (name == "KEY").then(|| key.to_owned());
            evaluate(SOURCE, setting).unwrap()["Resources"].take()
        };
        let (with, without) = (resources("k"), resources(""));
        assert_eq!(without, json!({ "Open": { "Type": "List", "Entries": ["first"], "Domain": "example.com" } }));
        assert_eq!(with["Sealed"]["By"], "k");
        assert_eq!(with["Open"]["Entries"], json!(["first", "by.local.amazonaws.com"]));
        assert_eq!(with["Open"]["Only"], "k");
    }

    #[test]
    fn a_condition_that_nobody_wrote_is_a_fault() {
        let fault = evaluate(&SOURCE.replace("{HasKey: !Not", "{Other: !Not"), |_| None).unwrap_err();
        assert_eq!(fault.to_string(), "there is no condition HasKey");
    }
}
