//! Links the addon as Node-API asks for.

fn main() {
    napi_build::setup();
}
