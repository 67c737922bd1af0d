//! The schema as a whole: no name, number or type changes by accident.

use prost::{Message, Name};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet};
use proto::dydxprotocol::clob::MsgPlaceOrder;

/// One line per message, enum and method, as in the recorded files.
fn lines(descriptors: &[u8]) -> Vec<String> {
    let set = FileDescriptorSet::decode(descriptors).unwrap();
    let mut out = Vec::new();
    for file in &set.file {
        let package = file.package();
        if package.starts_with("google.") {
            continue;
        }
        file.message_type.iter().for_each(|message| message_lines(package, message, &mut out));
        out.extend(file.enum_type.iter().map(|values| enum_line(package, values)));
        for service in &file.service {
            out.extend(service.method.iter().map(|method| {
                let (input, output) = (method.input_type(), method.output_type());
                let stream = if method.server_streaming() { "stream " } else { "" };
                format!("rpc {package}.{}/{}: {input} -> {stream}{output}", service.name(), method.name())
            }));
        }
    }
    out.sort();
    out
}

fn message_lines(scope: &str, message: &DescriptorProto, out: &mut Vec<String>) {
    let name = format!("{scope}.{}", message.name());
    let fields: Vec<_> = message.field.iter().map(|field| field_text(message, field)).collect();
    out.push(format!("message {name}: {}", fields.join("; ")).trim_end().into());
    message.nested_type.iter().for_each(|nested| message_lines(&name, nested, out));
    out.extend(message.enum_type.iter().map(|values| enum_line(&name, values)));
}

fn field_text(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let kind = match field.r#type() {
        Type::Message | Type::Enum => field.type_name().into(),
        other => other.as_str_name().trim_start_matches("TYPE_").to_lowercase(),
    };
    let repeated = if field.label() == Label::Repeated { "repeated " } else { "" };
    let choice = field.oneof_index.and_then(|index| message.oneof_decl.get(usize::try_from(index).ok()?));
    let choice = choice.map(|choice| format!(" ({})", choice.name())).unwrap_or_default();
    format!("{} {}: {repeated}{kind}{choice}", field.number(), field.name())
}

fn enum_line(scope: &str, values: &EnumDescriptorProto) -> String {
    let list: Vec<_> =
        values.value.iter().map(|value| format!("{} {}", value.number(), value.name())).collect();
    format!("enum {scope}.{}: {}", values.name(), list.join("; "))
}

fn compare(descriptors: &[u8], file: &str) {
    let current = lines(descriptors);
    if std::env::var_os("RECORD_SCHEMA").is_some() {
        std::fs::write(file, current.join("\n") + "\n").unwrap();
        return;
    }
    let text = std::fs::read_to_string(file).unwrap();
    let recorded: Vec<&str> = text.lines().collect();
    let gone: Vec<_> = recorded.iter().filter(|line| !current.iter().any(|now| now == *line)).collect();
    let new: Vec<_> = current.iter().filter(|line| !recorded.contains(&line.as_str())).collect();
    assert!(gone.is_empty() && new.is_empty(), "{file}: gone: {gone:#?}\nnew: {new:#?}");
}

#[test]
fn the_schema_is_the_recorded_one() {
    compare(proto::FILE_DESCRIPTOR_SET, "tests/schema.txt");
}

#[test]
fn the_schema_of_the_cosmos_services_is_the_recorded_one() {
    compare(proto::COSMOS_DESCRIPTOR_SET, "tests/cosmos.txt");
}

#[test]
fn every_import_of_a_descriptor_set_is_in_it() {
    for descriptors in [proto::FILE_DESCRIPTOR_SET, proto::COSMOS_DESCRIPTOR_SET] {
        let set = FileDescriptorSet::decode(descriptors).unwrap();
        for file in &set.file {
            for import in &file.dependency {
                assert!(set.file.iter().any(|other| other.name() == import), "{import} of {}", file.name());
            }
        }
    }
}

#[test]
fn files_in_both_descriptor_sets_are_equal() {
    let ours = FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let cosmos = FileDescriptorSet::decode(proto::COSMOS_DESCRIPTOR_SET).unwrap();
    let mut shared = 0;
    for file in &ours.file {
        for other in cosmos.file.iter().filter(|other| other.name() == file.name()) {
            assert_eq!(file, other, "{}", file.name());
            shared += 1;
        }
    }
    assert!(shared > 0, "both import coins and pages");
}

#[test]
fn a_message_knows_its_type_url() {
    assert_eq!(MsgPlaceOrder::type_url(), "/dydxprotocol.clob.MsgPlaceOrder");
}
