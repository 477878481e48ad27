function Page() {
    return <p>The API is at /api/me.</p>;
}

export { Page as default };
