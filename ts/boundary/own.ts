/**
 * Which shape an object has, by a member of its own.
 *
 * In: an object of several possible shapes. Out: whether it has the member itself. Never: a member of `Object.prototype`, where other code of
 * the process may have put one of the same name.
 */

/** Whether the object has this member itself. The type of the object becomes that of the shapes with this member. */
export const hasOwn = <Shape extends object, Name extends string>(
    value: Shape,
    name: Name
): value is Extract<Shape, { readonly [key in Name]: unknown }> => Object.hasOwn(value, name);
