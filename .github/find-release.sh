#!/usr/bin/env bash
# Finds the archive that a tag deploys to production: writes run=, artifact= and sha256= of its commit's archive to $GITHUB_OUTPUT. Refuses
# a tag that is not on main, that does not name the version of its commit, or whose commit was not deployed to staging.
set -euo pipefail

refuse() { printf 'refused: %s\n' "$1" >&2; exit 1; }

case $GITHUB_REF in refs/tags/v?*) ;; *) refuse "$GITHUB_REF is no tag v*" ;; esac
tag=${GITHUB_REF#refs/tags/}
commit=$(git rev-parse 'HEAD^{commit}')
git merge-base --is-ancestor "$commit" refs/remotes/origin/main || refuse "$tag is on $commit, which is not on main"

version=$(sed -n '/^\[workspace\.package\]/,/^$/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
[ "$tag" = "v$version" ] || refuse "$tag is on a commit of version $version (Cargo.toml, workspace.package)"

api=repos/$GITHUB_REPOSITORY/actions
runs=$(gh api "$api/workflows/deploy.yml/runs?head_sha=$commit&branch=main&event=push&status=success&per_page=100" \
    --jq '.workflow_runs[].id')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for run in $runs; do
    rm -rf "$work/staged"
    gh run download "$run" --repo "$GITHUB_REPOSITORY" --name staged --dir "$work/staged" || continue
    read -r artifact sha256 < "$work/staged/receipt"
    [[ $artifact =~ ^[0-9]+$ && $sha256 =~ ^[0-9a-f]{64}$ ]] || refuse "the receipt of run $run is '$artifact $sha256'"
    if [ "$(gh api "$api/artifacts/$artifact" --jq 'select(.expired | not) | .workflow_run.id')" = "$run" ]; then
        printf 'run=%s\nartifact=%s\nsha256=%s\n' "$run" "$artifact" "$sha256" | tee -a "$GITHUB_OUTPUT"
        exit 0
    fi
done
refuse "staging has not had $commit, or its archive is no longer kept; when deploy has run on main, run this again"
