//! Everything that can be configured beside what the AWS SDK reads by itself.

use notary_plugin_sdk::{Kind, Setting, settings};

pub(crate) const REGION: Setting = Setting::text(
    "region",
    "Region of keys that are not given as ARN; else the profile's, or the machine's own",
)
.from_environment("AWS_REGION")
.or_from_environment("AWS_DEFAULT_REGION");

pub(crate) const PROFILE: Setting = Setting::text(
    "profile",
    "Profile of the AWS configuration whose credentials are used, whatever the environment holds; `AWS_PROFILE` only moves the default",
);

pub(crate) const ROLE_ARN: Setting = Setting::text(
    "role_arn",
    "Role that is assumed with the credentials that were found, and signs",
);

pub(crate) const EXTERNAL_ID: Setting = Setting::text(
    "external_id",
    "External id that the role's trust policy asks for",
);

pub(crate) const ROLE_SESSION_NAME: Setting = Setting::text(
    "role_session_name",
    "Name of the role's session, as CloudTrail shows it",
)
.default("notation-aws-kms");

pub(crate) const ENDPOINT_URL: Setting = Setting::text(
    "endpoint_url",
    "Endpoint of KMS: a VPC endpoint, or an emulator; `AWS_ENDPOINT_URL_KMS`, `AWS_ENDPOINT_URL` and the profile count as well",
);

pub(crate) const USE_FIPS: Setting = Setting::new(
    "use_fips_endpoint",
    Kind::Flag,
    "Use the FIPS 140 endpoints, as `AWS_USE_FIPS_ENDPOINT` does",
);

pub(crate) const USE_DUAL_STACK: Setting = Setting::new(
    "use_dualstack_endpoint",
    Kind::Flag,
    "Use the endpoints that have IPv6, as `AWS_USE_DUALSTACK_ENDPOINT` does",
);

pub(crate) const CA_BUNDLE: Setting = Setting::path(
    "ca_bundle",
    "File with the CA certificates (PEM) that the endpoints' certificates are checked with, instead of the system's",
)
.from_environment("AWS_CA_BUNDLE");

pub(crate) const GRANT_TOKENS: Setting = Setting::text(
    "grant_tokens",
    "Grant tokens, separated by commas, for a grant that is too new to be known everywhere",
);

pub(crate) const CERTIFICATE_PARAMETER: Setting = Setting::text(
    "certificate_parameter",
    "Name or ARN of the parameter (SSM) that holds the certificate chain",
);

pub(crate) const CERTIFICATE_SECRET: Setting = Setting::text(
    "certificate_secret",
    "Name or ARN of the secret (Secrets Manager) that holds the certificate chain",
);

pub(crate) const CERTIFICATE_OBJECT: Setting = Setting::text(
    "certificate_object",
    "Object (S3) that holds the certificate chain: `s3://BUCKET/KEY`",
);

pub(crate) const CERTIFICATE_ARN: Setting = Setting::text(
    "certificate_arn",
    "ARN of the certificate (ACM), which comes with its chain",
);

pub(crate) const MAX_ATTEMPTS: Setting = Setting::environment(
    "AWS_MAX_ATTEMPTS",
    Kind::Number,
    "How often a request is sent at most that meets a busy or unreachable service; within the deadline",
)
.default("6");

/// Read by the SDK. Named here so that nobody puts it into the configuration.
pub(crate) const SECRET_ACCESS_KEY: Setting = Setting::secret(
    "AWS_SECRET_ACCESS_KEY",
    "Secret access key; part of the SDK's own chain of credentials",
)
.refused_as("secret_access_key");

/// As [`SECRET_ACCESS_KEY`].
pub(crate) const SESSION_TOKEN: Setting = Setting::secret(
    "AWS_SESSION_TOKEN",
    "Session token of temporary credentials; part of the SDK's own chain",
)
.refused_as("session_token");

/// All of them, as the documentation shows them.
pub(crate) const ALL: &[Setting] = &[
    settings::CERTIFICATES,
    CERTIFICATE_PARAMETER,
    CERTIFICATE_SECRET,
    CERTIFICATE_OBJECT,
    CERTIFICATE_ARN,
    REGION,
    PROFILE,
    ROLE_ARN,
    EXTERNAL_ID,
    ROLE_SESSION_NAME,
    ENDPOINT_URL,
    USE_FIPS,
    USE_DUAL_STACK,
    CA_BUNDLE,
    GRANT_TOKENS,
    MAX_ATTEMPTS,
    SECRET_ACCESS_KEY,
    SESSION_TOKEN,
];
