//! An object in S3.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use notary_plugin_sdk::{Context, PluginError};

use super::Found;
use crate::connection::{Regional, ask, no_retries};
use crate::refusal::{Call, chain};

pub(super) async fn fetch(
    url: &str,
    regional: &Regional,
    context: &Context,
) -> Result<Found, PluginError> {
    let (bucket, key) = parse(url).ok_or_else(|| {
        PluginError::validation(format!(
            "`certificate_object` is `{url}`, which is no object: write `s3://BUCKET/KEY`"
        ))
    })?;
    let configuration = Builder::from(regional.config()).retry_config(no_retries());
    let client = Client::from_conf(configuration.build());
    let call = Call {
        action: "s3:GetObject",
        target: url,
        quota: "S3 request rate of the prefix",
    };
    let answer = ask(&call, context, || {
        client.get_object().bucket(bucket).key(key).send()
    })
    .await?;
    let deadline = context.deadline();
    let content = deadline
        .run(async {
            answer.body.collect().await.map_err(|error| {
                PluginError::transient(format!("{url} cannot be read: {}", chain(&error)))
            })
        })
        .await?;
    Ok(Found {
        content: content.to_vec(),
        origin: url.to_owned(),
    })
}

/// Bucket and key of `s3://BUCKET/KEY`.
fn parse(url: &str) -> Option<(&str, &str)> {
    let (bucket, key) = url.strip_prefix("s3://")?.split_once('/')?;
    (!bucket.is_empty() && !key.is_empty()).then_some((bucket, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_a_bucket_and_a_key() {
        assert_eq!(parse("s3://pki/a/b.pem"), Some(("pki", "a/b.pem")));
        for wrong in [
            "pki/a.pem",
            "s3://pki",
            "s3://pki/",
            "s3:///a",
            "https://pki/a",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
