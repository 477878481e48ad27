// What the measurement itself costs: no validation at all.

export const nothing = {
    id: "nothing",
    title: "the harness itself",
    role: "harness",
    can: () => true,
    async make() {
        return { prepare: item => item, verify: async item => item };
    }
};
