//! KMS as the SDK sees it: a provider of keys.

use std::rc::Rc;

use aws_sdk_kms::operation::get_public_key::GetPublicKeyOutput;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeyUsageType, MessageType, SigningAlgorithmSpec};
use notary_plugin_protocol::{KeyId, KeySpec, SigningAlgorithm};
use notary_plugin_sdk::{
    BackendSignature, CertificateBundle, Context, Diagnosis, KeyListing, KeyProvider, PluginError,
    SigningInput, SigningKey,
};
use notary_x509::PublicKey;
use tokio::sync::OnceCell;

use crate::certificates;
use crate::connection::{Aws, Regional, ask};
use crate::key_id::KeyName;
use crate::listing::name_in_kms;
use crate::refusal::Call;
use crate::settings::GRANT_TOKENS;

/// The keys of an account.
pub(crate) struct Kms {
    aws: Rc<Aws>,
}

/// A key. What a request does not need is not asked for.
pub(crate) struct KmsKey {
    aws: Rc<Aws>,
    regional: Rc<Regional>,
    name: KeyName,
    /// The key ARN, once KMS told it: an alias may mean another key a moment later.
    arn: OnceCell<String>,
    public_key: OnceCell<PublicKey>,
}

impl KeyProvider for Kms {
    type Key = KmsKey;

    async fn open(context: &Context) -> Result<Self, PluginError> {
        Ok(Self {
            aws: Rc::new(Aws::new(context.settings())?),
        })
    }

    async fn find_key(&self, key_id: &KeyId, context: &Context) -> Result<KmsKey, PluginError> {
        KmsKey::find(&self.aws, key_id, context).await
    }

    async fn list_keys(&self, context: &Context) -> Result<Vec<KeyListing>, PluginError> {
        let regional = self.aws.region(None, context).await?;
        crate::listing::list(&regional, context).await
    }

    async fn diagnose(context: &Context, diagnosis: &mut Diagnosis) {
        crate::diagnosis::examine(context, diagnosis).await;
    }
}

impl KmsKey {
    /// The key of a key id; nothing is asked of KMS yet.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` where the key id names none, or no region is known.
    pub(crate) async fn find(
        aws: &Rc<Aws>,
        key_id: &KeyId,
        context: &Context,
    ) -> Result<Self, PluginError> {
        let name = KeyName::parse(key_id)?;
        let regional = aws.region(name.region(), context).await?;
        let is_key_arn = name.region().is_some() && !name.is_alias();
        let arn = is_key_arn.then(|| name.as_str().to_owned());
        Ok(Self {
            aws: Rc::clone(aws),
            regional,
            name,
            arn: OnceCell::new_with(arn),
            public_key: OnceCell::new(),
        })
    }

    /// What KMS is asked for: the key ARN as soon as it is known.
    fn id(&self) -> &str {
        self.arn.get().map_or(self.name.as_str(), String::as_str)
    }

    /// Remembers which key answered, and refuses another than before.
    fn answered_by(&self, arn: Option<&str>) -> Result<(), PluginError> {
        let Some(arn) = arn else {
            return Ok(());
        };
        match self.arn.get() {
            Some(known) if known != arn => Err(PluginError::error(format!(
                "KMS was asked for {known}, and {arn} answered"
            ))),
            Some(_) => Ok(()),
            None => {
                // Another request of this session may have been faster.
                let _ = self.arn.set(arn.to_owned());
                Ok(())
            }
        }
    }

    async fn fetch_public_key(&self, context: &Context) -> Result<PublicKey, PluginError> {
        let id = self.id();
        let call = Call {
            action: "kms:GetPublicKey",
            target: id,
            quota: "GetPublicKey request rate",
        };
        let answer = ask(&call, context, || {
            self.regional
                .kms()
                .get_public_key()
                .key_id(id)
                .set_grant_tokens(grant_tokens(context))
                .send()
        })
        .await?;
        self.answered_by(answer.key_id())?;
        usable(&answer, self.id())
    }
}

/// The public key of an answer, if the key can make Notary signatures.
fn usable(answer: &GetPublicKeyOutput, id: &str) -> Result<PublicKey, PluginError> {
    if let Some(usage) = answer
        .key_usage()
        .filter(|usage| **usage != KeyUsageType::SignVerify)
    {
        return Err(PluginError::validation(format!(
            "the key {id} has the usage {usage}, which cannot be changed: make a key of usage SIGN_VERIFY and of spec RSA_3072 or ECC_NIST_P384, say"
        )));
    }
    let spec = answer.key_spec().map_or("unknown", |spec| spec.as_str());
    if !KeySpec::ALL.iter().any(|known| name_in_kms(*known) == spec) {
        return Err(PluginError::validation(format!(
            "the key {id} is of spec {spec}, which the Notary Project has no signatures for: use RSA_2048, RSA_3072, RSA_4096, ECC_NIST_P256, ECC_NIST_P384 or ECC_NIST_P521"
        )));
    }
    let der = answer.public_key().map(AsRef::as_ref).unwrap_or_default();
    PublicKey::from_spki_der(der).map_err(|error| {
        PluginError::error(format!(
            "KMS sent something else than the public key of {id}: {error}"
        ))
    })
}

fn grant_tokens(context: &Context) -> Option<Vec<String>> {
    let tokens = context.settings().get(&GRANT_TOKENS)?;
    let tokens = tokens
        .split(',')
        .map(str::trim)
        .filter(|one| !one.is_empty());
    Some(tokens.map(str::to_owned).collect())
}

fn algorithm(algorithm: SigningAlgorithm) -> SigningAlgorithmSpec {
    match algorithm {
        SigningAlgorithm::RsassaPssSha256 => SigningAlgorithmSpec::RsassaPssSha256,
        SigningAlgorithm::RsassaPssSha384 => SigningAlgorithmSpec::RsassaPssSha384,
        SigningAlgorithm::RsassaPssSha512 => SigningAlgorithmSpec::RsassaPssSha512,
        SigningAlgorithm::EcdsaSha256 => SigningAlgorithmSpec::EcdsaSha256,
        SigningAlgorithm::EcdsaSha384 => SigningAlgorithmSpec::EcdsaSha384,
        SigningAlgorithm::EcdsaSha512 => SigningAlgorithmSpec::EcdsaSha512,
    }
}

fn is_rsa(key_spec: KeySpec) -> bool {
    matches!(
        key_spec,
        KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096
    )
}

impl SigningKey for KmsKey {
    async fn public_key(&self, context: &Context) -> Result<PublicKey, PluginError> {
        self.public_key
            .get_or_try_init(|| self.fetch_public_key(context))
            .await
            .cloned()
    }

    fn knows_public_key(&self) -> bool {
        self.public_key.initialized()
    }

    async fn sign(
        &self,
        input: &SigningInput,
        context: &Context,
    ) -> Result<BackendSignature, PluginError> {
        let id = self.id();
        let call = Call {
            action: "kms:Sign",
            target: id,
            quota: if is_rsa(input.key_spec()) {
                "Cryptographic operations (RSA) request rate"
            } else {
                "Cryptographic operations (ECC) request rate"
            },
        };
        let answer = ask(&call, context, || {
            self.regional
                .kms()
                .sign()
                .key_id(id)
                .message(Blob::new(input.digest()))
                .message_type(MessageType::Digest)
                .signing_algorithm(algorithm(input.signing_algorithm()))
                .set_grant_tokens(grant_tokens(context))
                .send()
        })
        .await?;
        self.answered_by(answer.key_id())?;
        let signature = answer
            .signature
            .map(Blob::into_inner)
            .ok_or_else(|| PluginError::error(format!("{} sent no signature", self.id())))?;
        Ok(if is_rsa(input.key_spec()) {
            BackendSignature::Raw(signature)
        } else {
            BackendSignature::EcdsaDer(signature)
        })
    }

    async fn certificates(&self, context: &Context) -> Result<CertificateBundle, PluginError> {
        certificates::load(&self.aws, &self.regional, context).await
    }

    async fn explain_mismatch(&self, leaf: &PublicKey, context: &Context) -> Option<PluginError> {
        let key = match self.public_key(context).await {
            Ok(key) => key,
            // It may be of a kind that signs, but not for us.
            Err(error) => return error.message().contains("is of spec").then_some(error),
        };
        if key == *leaf {
            return None;
        }
        let meant = match self.name.is_alias() {
            true => format!(" (the key that {} means now)", self.name),
            false => String::new(),
        };
        Some(PluginError::validation(format!(
            "the certificate belongs to another key than {}{meant}: get a certificate for this key (`csr`), or give the key that the certificate is for",
            self.id()
        )))
    }
}
