// Express 4 under another name; the types of Express 5 fit what the tests use of it.
declare module "express4" {
    import express from "express";
    export default express;
}
