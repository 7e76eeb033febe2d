"""Where entries go besides: each sink follows the signed log at its own pace and can never hold it up."""
