#!/usr/bin/env bash
# Gets the files of Swagger UI and ReDoc that the pages need from their published packages; needs npm. For another version, also change the
# names in src/asset.rs, swagger.html and redoc.js: they contain the version, because browsers cache these files for ever.
set -euo pipefail
cd "$(dirname "$0")"
swagger=5.35.0 redoc=3.0.1

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
get() { # PACKAGE VERSION
    npm pack --silent --pack-destination "$folder" "$1@$2" >/dev/null
    mkdir "$folder/$1"
    tar -xzf "$folder/$1-$2.tgz" -C "$folder/$1" --strip-components 1
}
get swagger-ui-dist "$swagger"
get redoc "$redoc"

pack() { gzip --best --no-name --stdout "$1" >"$2"; }
pack "$folder/swagger-ui-dist/swagger-ui.css" swagger-ui.css.gz
pack "$folder/swagger-ui-dist/swagger-ui-bundle.js" swagger-ui-bundle.js.gz
# ReDoc's footer shows a picture from its authors' host, which the pages' policy forbids: an empty picture replaces it.
sed -i 's#https://cdn\.[a-z.]*/redoc/logo-mini\(-full\)\?\.svg#data:,#g' "$folder/redoc/bundles/redoc.standalone.js"
pack "$folder/redoc/bundles/redoc.standalone.js" redoc.standalone.js.gz
cat "$folder/swagger-ui-dist/LICENSE" "$folder/swagger-ui-dist/NOTICE" "$folder/swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt" >swagger-ui.LICENSE
cp "$folder/redoc/LICENSE" redoc.LICENSE
