// The two people of this example. One of them is support staff.

export const PEOPLE = [
    { sub: "alice", name: "Alice Moreau", email: "alice@todo.example", about: "Customer", roles: [] },
    { sub: "sam", name: "Sam Okafor", email: "sam@todo.example", about: "Support staff", roles: ["support"] }
];

export const personOf = sub => PEOPLE.find(person => person.sub === sub);
