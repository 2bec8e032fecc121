import { init } from "/docs/redoc-3.0.1.js";

// It reports nothing to its makers, and keeps its place in the fragment: this service has one page for it.
init("/openapi.json", { disableTelemetry: true, router: "hash" }, document.getElementById("redoc"));
