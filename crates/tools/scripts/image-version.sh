#!/usr/bin/env bash
# Prints the version of an image: VERSION, or that of the repository with the number of its commits in the last place.
set -euo pipefail
cd "$(dirname "$0")/../../.."
release=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
echo "${VERSION:-${release%.*}.$(git rev-list --count HEAD)}"
