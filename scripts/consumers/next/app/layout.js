export const metadata = { title: "A page" };

export function Layout({ children }) {
    return (
        <html lang="en">
            <body>{children}</body>
        </html>
    );
}

export { Layout as default };
