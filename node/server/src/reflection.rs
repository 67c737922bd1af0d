//! `grpc.reflection`, v1 and v1alpha, which have one form: the schema of what is answered, and of nothing else.
//!
//! Of each service only the methods that are answered are described; messages are all described, because
//! clients also ask for those inside of an `Any`.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{ready, Ready};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use prost::Message;
use prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet};
use tokio_stream::{Stream, StreamExt};
use tonic::body::BoxBody;
use tonic::server::{Grpc, StreamingService};
use tonic::{Code, Status, Streaming};
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::{v1, v1alpha};

use crate::activity::InCall;
use crate::dispatch::Node;
use crate::{health, methods, stream};

/// What is answered here.
pub(crate) const PATHS: [&str; 2] = [
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];
/// Bytes of a request, which names a file or a symbol.
const MAX_REQUEST: usize = 4_096;

/// The schema, ready to be asked.
#[derive(Debug)]
pub(crate) struct Reflection {
    files: BTreeMap<String, Vec<u8>>,
    symbols: BTreeMap<String, String>,
    services: Vec<String>,
    messages: Vec<String>,
}

impl Reflection {
    /// The schema of all that the server answers. Descriptors are part of the program: one that does not decode
    /// leaves its services out, which tests notice.
    pub(crate) fn new() -> Self {
        let others = health::PATHS.iter().chain(&PATHS).chain(&stream::PATHS).map(ToString::to_string);
        let answered: BTreeSet<String> = methods::methods().into_iter().chain(others).collect();
        let mut schema = Self {
            files: BTreeMap::new(),
            symbols: BTreeMap::new(),
            services: Vec::new(),
            messages: Vec::new(),
        };
        for set in [
            proto::FILE_DESCRIPTOR_SET,
            proto::COSMOS_DESCRIPTOR_SET,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            v1::FILE_DESCRIPTOR_SET,
            v1alpha::FILE_DESCRIPTOR_SET,
        ] {
            for file in FileDescriptorSet::decode(set).unwrap_or_default().file {
                if !schema.files.contains_key(file.name()) {
                    schema.add(file, &answered);
                }
            }
        }
        schema.services.sort();
        schema.messages.sort();
        schema
    }

    /// Services that are answered.
    pub(crate) fn services(&self) -> &[String] {
        &self.services
    }

    /// Types that are named like messages of transactions.
    pub(crate) fn messages(&self) -> &[String] {
        &self.messages
    }

    fn add(&mut self, mut file: FileDescriptorProto, answered: &BTreeSet<String>) {
        let (name, package) = (file.name().to_owned(), file.package().to_owned());
        file.source_code_info = None;
        for service in &mut file.service {
            let full = format!("/{package}.{}", service.name());
            service.method.retain(|method| answered.contains(&format!("{full}/{}", method.name())));
        }
        file.service.retain(|service| !service.method.is_empty());
        for service in &file.service {
            let full = format!("{package}.{}", service.name());
            for method in &service.method {
                self.symbols.insert(format!("{full}.{}", method.name()), name.clone());
            }
            self.symbols.insert(full.clone(), name.clone());
            self.services.push(full);
        }
        for message in &file.message_type {
            if message.name().starts_with("Msg") && !message.name().ends_with("Response") {
                self.messages.push(format!("{package}.{}", message.name()));
            }
            self.add_message(&package, message, &name);
        }
        for values in &file.enum_type {
            self.symbols.insert(format!("{package}.{}", values.name()), name.clone());
        }
        self.files.insert(name, file.encode_to_vec());
    }

    fn add_message(&mut self, scope: &str, message: &DescriptorProto, file: &str) {
        let full = format!("{scope}.{}", message.name());
        for field in &message.field {
            self.symbols.insert(format!("{full}.{}", field.name()), file.into());
        }
        for values in &message.enum_type {
            self.symbols.insert(format!("{full}.{}", values.name()), file.into());
        }
        for nested in &message.nested_type {
            self.add_message(&full, nested, file);
        }
        self.symbols.insert(full, file.into());
    }

    /// Answer one question; one that has no answer says so and does not end the conversation.
    fn answer(&self, request: v1::ServerReflectionRequest) -> v1::ServerReflectionResponse {
        let answer = match &request.message_request {
            Some(MessageRequest::FileByFilename(name)) => self.file(Some(name), name),
            Some(MessageRequest::FileContainingSymbol(symbol)) => {
                let symbol = symbol.trim_start_matches('.');
                self.file(self.symbols.get(symbol), symbol)
            }
            Some(MessageRequest::FileContainingExtension(extension)) => missing(&extension.containing_type),
            Some(MessageRequest::AllExtensionNumbersOfType(name)) if self.symbols.contains_key(name) => {
                MessageResponse::AllExtensionNumbersResponse(v1::ExtensionNumberResponse {
                    base_type_name: name.clone(),
                    extension_number: Vec::new(),
                })
            }
            Some(MessageRequest::AllExtensionNumbersOfType(name)) => missing(name),
            Some(MessageRequest::ListServices(_)) => {
                let service = self.services.iter().map(|name| v1::ServiceResponse { name: name.clone() });
                MessageResponse::ListServicesResponse(v1::ListServiceResponse { service: service.collect() })
            }
            None => failure(Code::InvalidArgument, "the request asks nothing".into()),
        };
        v1::ServerReflectionResponse {
            valid_host: request.host.clone(),
            original_request: Some(request),
            message_response: Some(answer),
        }
    }

    fn file(&self, name: Option<&String>, what: &str) -> MessageResponse {
        match name.and_then(|name| self.files.get(name)) {
            Some(bytes) => MessageResponse::FileDescriptorResponse(v1::FileDescriptorResponse {
                file_descriptor_proto: vec![bytes.clone()],
            }),
            None => missing(what),
        }
    }
}

fn missing(what: &str) -> MessageResponse {
    failure(Code::NotFound, format!("there is no {what}"))
}

fn failure(code: Code, error_message: String) -> MessageResponse {
    MessageResponse::ErrorResponse(v1::ErrorResponse { error_code: code.into(), error_message })
}

/// Converse about the schema.
pub(crate) async fn serve(node: &Node, request: Request<Incoming>, call: InCall) -> Response<BoxBody> {
    let codec = tonic::codec::ProstCodec::default();
    let patience = node.limits.idle_timeout;
    let conversation = Conversation { schema: node.reflection.clone(), patience, call: Some(call) };
    Grpc::new(codec).max_decoding_message_size(MAX_REQUEST).streaming(conversation, request).await
}

struct Conversation {
    schema: Arc<Reflection>,
    patience: Duration,
    call: Option<InCall>,
}

impl StreamingService<v1::ServerReflectionRequest> for Conversation {
    type Response = v1::ServerReflectionResponse;
    type ResponseStream = Pin<Box<dyn Stream<Item = Result<Self::Response, Status>> + Send>>;
    type Future = Ready<Result<tonic::Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<v1::ServerReflectionRequest>>) -> Self::Future {
        let (schema, call) = (self.schema.clone(), self.call.take());
        let answers = request.into_inner().timeout(self.patience).map(move |request| {
            let _held = &call;
            let request = request.map_err(|_| Status::deadline_exceeded("nothing was asked for long"))?;
            Ok(schema.answer(request?))
        });
        ready(Ok(tonic::Response::new(Box::pin(answers) as Self::ResponseStream)))
    }
}
