//! What `doctor` tells about region, endpoint and identity.

use aws_credential_types::Credentials;
use aws_credential_types::credential_feature::AwsCredentialFeature;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
use notary_plugin_sdk::{Context, Diagnosis, PluginError};
use time::OffsetDateTime;

use crate::connection::{Aws, Regional, ask, no_retries};
use crate::refusal::{Call, without_credentials};
use crate::settings::{ENDPOINT_URL, PROFILE, ROLE_ARN};

/// Where the question who we are is asked when no region is known: a key ARN brings its own.
const REGION_OF_THE_QUESTION: &str = "us-east-1";
/// Credentials that end sooner may not outlast a release.
const SHORT: time::Duration = time::Duration::minutes(5);

/// Examines region, credentials and identity; the key itself is examined by the SDK.
pub(crate) async fn examine(context: &Context, diagnosis: &mut Diagnosis) {
    let aws = match Aws::new(context.settings()) {
        Ok(aws) => aws,
        Err(error) => return diagnosis.failure("settings", error.message(), "see the message"),
    };
    let regional = match aws.region(None, context).await {
        Ok(regional) => {
            diagnosis.ok("region", regional.name());
            regional
        }
        Err(error) => {
            diagnosis.warning(
                "region",
                error.message(),
                "key ARNs have a region of their own; for every other key id set one",
            );
            match aws.region(Some(REGION_OF_THE_QUESTION), context).await {
                Ok(regional) => regional,
                Err(error) => {
                    return diagnosis.failure("settings", error.message(), "see the message");
                }
            }
        }
    };
    if let Some(url) = context.settings().get(&ENDPOINT_URL) {
        diagnosis.ok("endpoint", format!("KMS at {url}"));
    }
    match examine_credentials(&regional, context).await {
        Ok(credentials) => report_credentials(&credentials, context, diagnosis),
        Err(error) => {
            return diagnosis.failure("credentials", error.message(), "see the message");
        }
    }
    let caller = caller(&regional, context).await;
    if let Some(theirs) = aws.last_date() {
        diagnosis.clock(OffsetDateTime::now_utc(), theirs);
    }
    match caller {
        Ok(identity) => diagnosis.ok(
            "identity",
            format!(
                "{} (account {})",
                identity.arn().unwrap_or("unknown"),
                identity.account().unwrap_or("unknown")
            ),
        ),
        // Signing needs no STS: a VPC may have no endpoint of it.
        Err(error) => diagnosis.warning(
            "identity",
            error.message(),
            "signing may work nevertheless; STS has to be reached to say who signs",
        ),
    }
}

async fn examine_credentials(
    regional: &Regional,
    context: &Context,
) -> Result<Credentials, PluginError> {
    let provider = regional.config().credentials_provider().ok_or_else(|| {
        PluginError::access_denied("there is no source of credentials in this configuration")
    })?;
    let profile = context.settings().get(&PROFILE);
    let deadline = context.deadline();
    deadline
        .run(async {
            let credentials = provider.provide_credentials().await;
            credentials.map_err(|error| without_credentials("credentials", &error, profile))
        })
        .await
}

fn report_credentials(credentials: &Credentials, context: &Context, diagnosis: &mut Diagnosis) {
    let features = credentials.get_property::<Vec<AwsCredentialFeature>>();
    let mut sources: Vec<&str> = Vec::new();
    for source in features.into_iter().flatten().filter_map(source) {
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    let mut detail = match sources.is_empty() {
        true => "from a source without a name".to_owned(),
        false => format!("from {}", sources.join(", ")),
    };
    for (name, setting) in [("profile", &PROFILE), ("role", &ROLE_ARN)] {
        if let Some(value) = context.settings().get(setting) {
            detail.push_str(&format!("; {name} {value}"));
        }
    }
    let expiry = credentials.expiry().map(OffsetDateTime::from);
    match expiry.map(|expiry| expiry - OffsetDateTime::now_utc()) {
        Some(left) if left < SHORT => diagnosis.warning(
            "credentials",
            format!("{detail}; they end in {} s", left.whole_seconds()),
            "renew them",
        ),
        Some(left) => diagnosis.ok(
            "credentials",
            format!("{detail}; they end in {} min", left.whole_minutes()),
        ),
        None => diagnosis.ok("credentials", detail),
    }
}

/// A provider of the chain in the words of the AWS documentation.
fn source(feature: &AwsCredentialFeature) -> Option<&'static str> {
    use AwsCredentialFeature as Feature;
    Some(match feature {
        Feature::CredentialsEnvVars => "environment variables",
        Feature::CredentialsEnvVarsStsWebIdToken
        | Feature::CredentialsStsAssumeRoleWebId
        | Feature::CredentialsProfileStsWebIdToken => "a web identity token (STS)",
        Feature::CredentialsStsAssumeRole => "an assumed role (STS)",
        Feature::CredentialsProfile
        | Feature::CredentialsProfileSourceProfile
        | Feature::CredentialsProfileNamedProvider => "a profile of the AWS configuration",
        Feature::CredentialsProfileSso | Feature::CredentialsSso => "IAM Identity Center (SSO)",
        Feature::CredentialsProfileProcess | Feature::CredentialsProcess => "a process",
        Feature::CredentialsHttp => "the container's endpoint (ECS or EKS pod identity)",
        Feature::CredentialsImds => "the instance's metadata (IMDSv2)",
        _ => return None,
    })
}

async fn caller(
    regional: &Regional,
    context: &Context,
) -> Result<GetCallerIdentityOutput, PluginError> {
    let configuration =
        aws_sdk_sts::config::Builder::from(regional.config()).retry_config(no_retries());
    let sts = aws_sdk_sts::Client::from_conf(configuration.build());
    let call = Call {
        action: "sts:GetCallerIdentity",
        target: "this identity",
        quota: "STS request rate",
    };
    let identity = ask(&call, context, || sts.get_caller_identity().send()).await?;
    Ok(identity)
}
