//! Everything that can be configured, declared once: the variables of the Vault and OpenBao programs, and
//! the keys of the plugin configuration. Where both projects have a variable, OpenBao's wins.

use notary_plugin_sdk::{Kind, PluginError, Setting, Settings, settings};

pub(crate) const ADDRESS: Setting = Setting::text(
    "address",
    "Address of the server, `https://…`, or `unix:///path` of a socket",
)
.from_environment("BAO_ADDR")
.or_from_environment("VAULT_ADDR");

pub(crate) const AGENT_ADDRESS: Setting = Setting::environment(
    "BAO_AGENT_ADDR",
    Kind::Text,
    "Address of an agent or proxy that is asked instead of the server",
)
.or_from_environment("VAULT_AGENT_ADDR");

pub(crate) const NAMESPACE: Setting = Setting::text("namespace", "Namespace of every request")
    .from_environment("BAO_NAMESPACE")
    .or_from_environment("VAULT_NAMESPACE");

pub(crate) const ALLOW_HTTP: Setting = Setting::new(
    "allow_http",
    Kind::Flag,
    "Speak plain HTTP with a server that is not on this machine: tokens can be read on the way",
);

pub(crate) const CA_CERT: Setting = Setting::path(
    "ca_cert",
    "File with the CA certificates (PEM) that the server's certificate is checked with, instead of the system's",
)
.from_environment("BAO_CACERT")
.or_from_environment("VAULT_CACERT");

pub(crate) const CA_BYTES: Setting = Setting::environment(
    "BAO_CACERT_BYTES",
    Kind::Text,
    "The same certificates themselves",
)
.or_from_environment("VAULT_CACERT_BYTES");

pub(crate) const CA_PATH: Setting =
    Setting::path("ca_path", "Directory with files of such certificates")
        .from_environment("BAO_CAPATH")
        .or_from_environment("VAULT_CAPATH");

pub(crate) const CLIENT_CERT: Setting = Setting::path(
    "client_cert",
    "File with the certificate (PEM) that the plugin shows to the server",
)
.from_environment("BAO_CLIENT_CERT")
.or_from_environment("VAULT_CLIENT_CERT");

pub(crate) const CLIENT_KEY: Setting = Setting::path(
    "client_key",
    "File with the private key (PEM) of `client_cert`",
)
.from_environment("BAO_CLIENT_KEY")
.or_from_environment("VAULT_CLIENT_KEY");

pub(crate) const TLS_SERVER_NAME: Setting = Setting::text(
    "tls_server_name",
    "Name that the server's certificate has to have, where it differs from the address (SNI); no proxy is used then",
)
.from_environment("BAO_TLS_SERVER_NAME")
.or_from_environment("VAULT_TLS_SERVER_NAME");

pub(crate) const SKIP_VERIFY: Setting = Setting::environment(
    "BAO_SKIP_VERIFY",
    Kind::Text,
    "`true` or `1`: do not check the server's certificate; for experiments only",
)
.or_from_environment("VAULT_SKIP_VERIFY");

pub(crate) const PROXY: Setting = Setting::environment(
    "BAO_PROXY_ADDR",
    Kind::Text,
    "Proxy for every request; else `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` count",
)
.or_from_environment("VAULT_PROXY_ADDR");

pub(crate) const HTTP_PROXY: Setting =
    Setting::environment("BAO_HTTP_PROXY", Kind::Text, "The same by its other name")
        .or_from_environment("VAULT_HTTP_PROXY");

pub(crate) const MAX_RETRIES: Setting = Setting::environment(
    "BAO_MAX_RETRIES",
    Kind::Number,
    "How often a request is sent again that met a busy, sealed or unreachable server; at most 5, within the deadline",
)
.or_from_environment("VAULT_MAX_RETRIES")
.default("2");

pub(crate) const CLIENT_TIMEOUT: Setting = Setting::environment(
    "BAO_CLIENT_TIMEOUT",
    Kind::Duration,
    "Longest time for one request",
)
.or_from_environment("VAULT_CLIENT_TIMEOUT")
.default("60s");

pub(crate) const DISABLE_REDIRECTS: Setting = Setting::environment(
    "BAO_DISABLE_REDIRECTS",
    Kind::Text,
    "`true` or `1`: do not follow a standby server's redirect to the active one",
)
.or_from_environment("VAULT_DISABLE_REDIRECTS");

pub(crate) const TRANSIT_MOUNT: Setting = Setting::text(
    "transitName",
    "Mount of the Transit engine, for key ids that are a bare name",
)
.default("transit");

pub(crate) const KEY_NAME: Setting = Setting::text(
    "transitKeyName",
    "Name of the Transit key, where the key id is the path of a secret in KV",
);

pub(crate) const ALLOW_EXPORTABLE: Setting = Setting::new(
    "allow_exportable",
    Kind::Flag,
    "Sign with a key that can be exported or backed up in plain text",
);

pub(crate) const KV_MOUNT: Setting = Setting::text(
    "kvName",
    "Mount of the KV engine that keeps the certificate chain; version 2 unless `kv_version` says 1",
);

pub(crate) const KV_PATH: Setting = Setting::text(
    "kv_path",
    "Path of the secret in `kvName`, by default the key's name; without `kvName`, the whole path with its mount",
);

pub(crate) const KV_FIELD: Setting = Setting::text(
    "kv_field",
    "Field of the secret that holds the certificates (PEM)",
)
.default("certificate");

pub(crate) const KV_VERSION: Setting = Setting::new(
    "kv_version",
    Kind::OneOf(&["1", "2"]),
    "Version of the KV engine at `kvName`",
)
.default("2");

pub(crate) const AUTH_METHOD: Setting = Setting::new(
    "auth_method",
    Kind::OneOf(&[
        "token", "agent", "approle", "kubernetes", "jwt", "cert", "userpass", "ldap",
    ]),
    "How to log in; `token` unless set, and `agent` where an agent's address is set and no token is found",
)
.from_environment("NOTATION_VAULT_AUTH_METHOD");

pub(crate) const AUTH_MOUNT: Setting = Setting::text(
    "auth_mount",
    "Mount of the log-in method, by default its name",
)
.from_environment("NOTATION_VAULT_AUTH_MOUNT");

pub(crate) const AUTH_ROLE: Setting = Setting::text(
    "auth_role",
    "Role of the log-in with `kubernetes`, `jwt` or `cert`",
)
.from_environment("NOTATION_VAULT_AUTH_ROLE");

pub(crate) const TOKEN: Setting = Setting::secret(
    "BAO_TOKEN",
    "Token; else `token_file`, else the token helper of `~/.vault`, else `~/.vault-token`",
)
.or_from_environment("VAULT_TOKEN")
.refused_as("token");

pub(crate) const TOKEN_FILE: Setting = Setting::path(
    "token_file",
    "File with a token, such as the sink of an agent",
)
.from_environment("NOTATION_VAULT_TOKEN_FILE");

pub(crate) const CONFIG_PATH: Setting = Setting::environment(
    "BAO_CONFIG_PATH",
    Kind::Path,
    "The configuration of the command line that names a token helper, instead of `~/.vault`",
)
.or_from_environment("VAULT_CONFIG_PATH");

pub(crate) const ROLE_ID: Setting =
    Setting::text("role_id", "Role id of the log-in with `approle`")
        .from_environment("NOTATION_VAULT_ROLE_ID");

pub(crate) const ROLE_ID_FILE: Setting = Setting::path("role_id_file", "File with the role id")
    .from_environment("NOTATION_VAULT_ROLE_ID_FILE");

pub(crate) const SECRET_ID: Setting = Setting::secret(
    "NOTATION_VAULT_SECRET_ID",
    "Secret id of the log-in with `approle`",
)
.refused_as("secret_id");

pub(crate) const SECRET_ID_FILE: Setting =
    Setting::path("secret_id_file", "File with the secret id")
        .from_environment("NOTATION_VAULT_SECRET_ID_FILE");

pub(crate) const SECRET_ID_WRAPPED: Setting = Setting::new(
    "secret_id_wrapped",
    Kind::Flag,
    "The secret id is given as a wrapping token, which is unwrapped, once",
)
.from_environment("NOTATION_VAULT_SECRET_ID_WRAPPED");

pub(crate) const USERNAME: Setting =
    Setting::text("username", "Name of the log-in with `userpass` or `ldap`")
        .from_environment("NOTATION_VAULT_USERNAME");

pub(crate) const PASSWORD: Setting = Setting::secret(
    "NOTATION_VAULT_PASSWORD",
    "Password of the log-in with `userpass` or `ldap`",
)
.refused_as("password");

pub(crate) const PASSWORD_FILE: Setting = Setting::path("password_file", "File with the password")
    .from_environment("NOTATION_VAULT_PASSWORD_FILE");

pub(crate) const JWT_FILE: Setting = Setting::path(
    "jwt_file",
    "File with the JWT of the log-in with `jwt` or `kubernetes`; for `kubernetes`, by default the service account's",
)
.from_environment("NOTATION_VAULT_JWT_FILE");

pub(crate) const JWT_VARIABLE: Setting = Setting::text(
    "jwt_variable",
    "Name of the environment variable with the JWT, such as GitLab's `id_tokens` make them",
)
.from_environment("NOTATION_VAULT_JWT_VARIABLE");

pub(crate) const JWT_AUDIENCE: Setting = Setting::text(
    "jwt_audience",
    "Audience of the JWT that is asked for in GitHub Actions, where neither file nor variable is set",
)
.from_environment("NOTATION_VAULT_JWT_AUDIENCE");

pub(crate) const GITHUB_URL: Setting = Setting::environment(
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    Kind::Text,
    "Where GitHub Actions gives out JWTs; it sets this by itself with `permissions: id-token: write`",
);

pub(crate) const GITHUB_TOKEN: Setting = Setting::secret(
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "What is shown there; set by GitHub Actions as well",
);

/// Every setting, in the order of the documentation.
pub(crate) static ALL: &[Setting] = &[
    ADDRESS,
    AGENT_ADDRESS,
    NAMESPACE,
    TRANSIT_MOUNT,
    KEY_NAME,
    ALLOW_EXPORTABLE,
    settings::CERTIFICATES,
    KV_MOUNT,
    KV_PATH,
    KV_FIELD,
    KV_VERSION,
    AUTH_METHOD,
    AUTH_MOUNT,
    AUTH_ROLE,
    TOKEN,
    TOKEN_FILE,
    CONFIG_PATH,
    ROLE_ID,
    ROLE_ID_FILE,
    SECRET_ID,
    SECRET_ID_FILE,
    SECRET_ID_WRAPPED,
    USERNAME,
    PASSWORD,
    PASSWORD_FILE,
    JWT_FILE,
    JWT_VARIABLE,
    JWT_AUDIENCE,
    GITHUB_URL,
    GITHUB_TOKEN,
    CA_CERT,
    CA_BYTES,
    CA_PATH,
    CLIENT_CERT,
    CLIENT_KEY,
    TLS_SERVER_NAME,
    SKIP_VERIFY,
    ALLOW_HTTP,
    PROXY,
    HTTP_PROXY,
    MAX_RETRIES,
    CLIENT_TIMEOUT,
    DISABLE_REDIRECTS,
];

/// A variable that the Vault programs read as Go reads truth values.
pub(crate) fn switch(settings: &Settings, setting: &Setting) -> Result<bool, PluginError> {
    match settings.get(setting) {
        None => Ok(false),
        Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
        Some(_) => Err(PluginError::validation(
            "`VAULT_SKIP_VERIFY` and `VAULT_DISABLE_REDIRECTS` take `true` or `false`",
        )),
    }
}
