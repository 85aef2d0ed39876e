//! The traits that authors implement, as objects.
//!
//! The public traits have `async fn`s and associated types, which reads well and cannot be boxed. The rest
//! of the SDK works on these twins, so it is compiled once and not once per plugin type.

use std::{future::Future, marker::PhantomData, pin::Pin, rc::Rc};

use notary_plugin_protocol::{
    DescribeKeyRequest, DescribeKeyResponse, GenerateEnvelopeRequest, GenerateEnvelopeResponse,
    KeyId, VerifySignatureRequest,
};
use notary_x509::PublicKey;

use crate::{
    BackendSignature, CertificateBundle, CheckVerdict, CommandOutput, Context, Diagnosis,
    EnvelopeGenerator, KeyListing, KeyProvider, PersonCommand, PluginError, SignatureCheck,
    SigningInput, SigningKey,
};

/// A boxed future with a command's result.
pub(crate) type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, PluginError>> + 'a>>;

/// A kind of key provider, not yet opened.
pub(crate) trait ProviderKind {
    fn open<'a>(&'a self, context: &'a Context) -> Pending<'a, Rc<dyn OpenProvider>>;
    fn diagnose<'a>(
        &'a self,
        context: &'a Context,
        diagnosis: &'a mut Diagnosis,
    ) -> Pin<Box<dyn Future<Output = ()> + 'a>>;
}

/// An open key provider.
pub(crate) trait OpenProvider {
    fn find_key<'a>(
        &'a self,
        key_id: &'a KeyId,
        context: &'a Context,
    ) -> Pending<'a, Rc<dyn OpenKey>>;
    fn list_keys<'a>(&'a self, context: &'a Context) -> Pending<'a, Vec<KeyListing>>;
    fn close(self: Rc<Self>) -> Pin<Box<dyn Future<Output = ()>>>;
}

/// A key of an open provider.
pub(crate) trait OpenKey {
    fn public_key<'a>(&'a self, context: &'a Context) -> Pending<'a, PublicKey>;
    fn knows_public_key(&self) -> bool;
    fn sign<'a>(
        &'a self,
        input: &'a SigningInput,
        context: &'a Context,
    ) -> Pending<'a, BackendSignature>;
    fn certificates<'a>(&'a self, context: &'a Context) -> Pending<'a, CertificateBundle>;
    fn explain_mismatch<'a>(
        &'a self,
        leaf: &'a PublicKey,
        context: &'a Context,
    ) -> Pin<Box<dyn Future<Output = Option<PluginError>> + 'a>>;
}

pub(crate) struct KindOf<P>(PhantomData<fn() -> P>);

impl<P> KindOf<P> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<P: KeyProvider> ProviderKind for KindOf<P> {
    fn open<'a>(&'a self, context: &'a Context) -> Pending<'a, Rc<dyn OpenProvider>> {
        Box::pin(async { Ok(Rc::new(Opened(P::open(context).await?)) as Rc<dyn OpenProvider>) })
    }

    fn diagnose<'a>(
        &'a self,
        context: &'a Context,
        diagnosis: &'a mut Diagnosis,
    ) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
        Box::pin(P::diagnose(context, diagnosis))
    }
}

struct Opened<P>(P);

impl<P: KeyProvider> OpenProvider for Opened<P> {
    fn find_key<'a>(
        &'a self,
        key_id: &'a KeyId,
        context: &'a Context,
    ) -> Pending<'a, Rc<dyn OpenKey>> {
        Box::pin(async { Ok(Rc::new(self.0.find_key(key_id, context).await?) as Rc<dyn OpenKey>) })
    }

    fn list_keys<'a>(&'a self, context: &'a Context) -> Pending<'a, Vec<KeyListing>> {
        Box::pin(self.0.list_keys(context))
    }

    fn close(self: Rc<Self>) -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async {
            if let Some(Self(provider)) = Rc::into_inner(self) {
                provider.close().await;
            }
        })
    }
}

impl<K: SigningKey> OpenKey for K {
    fn public_key<'a>(&'a self, context: &'a Context) -> Pending<'a, PublicKey> {
        Box::pin(SigningKey::public_key(self, context))
    }

    fn knows_public_key(&self) -> bool {
        SigningKey::knows_public_key(self)
    }

    fn sign<'a>(
        &'a self,
        input: &'a SigningInput,
        context: &'a Context,
    ) -> Pending<'a, BackendSignature> {
        Box::pin(SigningKey::sign(self, input, context))
    }

    fn certificates<'a>(&'a self, context: &'a Context) -> Pending<'a, CertificateBundle> {
        Box::pin(SigningKey::certificates(self, context))
    }

    fn explain_mismatch<'a>(
        &'a self,
        leaf: &'a PublicKey,
        context: &'a Context,
    ) -> Pin<Box<dyn Future<Output = Option<PluginError>> + 'a>> {
        Box::pin(SigningKey::explain_mismatch(self, leaf, context))
    }
}

pub(crate) trait AnyEnvelopeGenerator {
    fn generate<'a>(
        &'a self,
        request: &'a GenerateEnvelopeRequest,
        context: &'a Context,
    ) -> Pending<'a, GenerateEnvelopeResponse>;
    fn describe_key<'a>(
        &'a self,
        request: &'a DescribeKeyRequest,
        context: &'a Context,
    ) -> Pending<'a, DescribeKeyResponse>;
}

impl<G: EnvelopeGenerator> AnyEnvelopeGenerator for G {
    fn generate<'a>(
        &'a self,
        request: &'a GenerateEnvelopeRequest,
        context: &'a Context,
    ) -> Pending<'a, GenerateEnvelopeResponse> {
        Box::pin(self.generate_envelope(request, context))
    }

    fn describe_key<'a>(
        &'a self,
        request: &'a DescribeKeyRequest,
        context: &'a Context,
    ) -> Pending<'a, DescribeKeyResponse> {
        Box::pin(async {
            let key_spec = self.key_spec(&request.key_id, context).await?;
            Ok(DescribeKeyResponse {
                key_id: request.key_id.clone(),
                key_spec,
            })
        })
    }
}

pub(crate) trait AnySignatureCheck {
    fn check<'a>(
        &'a self,
        request: &'a VerifySignatureRequest,
        context: &'a Context,
    ) -> Pending<'a, CheckVerdict>;
    fn understands(&self, attribute: &str) -> bool;
}

impl<C: SignatureCheck> AnySignatureCheck for C {
    fn check<'a>(
        &'a self,
        request: &'a VerifySignatureRequest,
        context: &'a Context,
    ) -> Pending<'a, CheckVerdict> {
        Box::pin(SignatureCheck::check(self, request, context))
    }

    fn understands(&self, attribute: &str) -> bool {
        SignatureCheck::understands(self, attribute)
    }
}

pub(crate) trait AnyPersonCommand {
    fn definition(&self) -> clap::Command;
    fn run<'a>(
        &'a self,
        arguments: &'a clap::ArgMatches,
        context: &'a Context,
    ) -> Pending<'a, CommandOutput>;
}

impl<C: PersonCommand> AnyPersonCommand for C {
    fn definition(&self) -> clap::Command {
        PersonCommand::definition(self)
    }

    fn run<'a>(
        &'a self,
        arguments: &'a clap::ArgMatches,
        context: &'a Context,
    ) -> Pending<'a, CommandOutput> {
        Box::pin(PersonCommand::run(self, arguments, context))
    }
}
