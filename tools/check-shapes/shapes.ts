import ts from 'typescript';

/** A declaration of an object's shape: an interface, a type literal or an object schema of zod. */
export interface DeclaredShape {
  /** Names of its fields, sorted. */
  fields: string[];
  file: string;
  line: number;
  /** Name of the interface, type or constant that it stands in. */
  name: string;
}

/** Fewer fields are the same by chance. */
export const LEAST_FIELDS = 4;

const objectSchemas = new Set(['object', 'strictObject', 'looseObject']);

const nameOf = (name: ts.PropertyName): string | undefined =>
  ts.isIdentifier(name) || ts.isStringLiteral(name) || ts.isNumericLiteral(name) ? name.text : undefined;

/** Undefined where a field has no name that can be read, or comes from elsewhere by a spread. */
const namesOf = (members: readonly ts.Node[]): string[] | undefined => {
  const names = members.map((member) => {
    const isField =
      ts.isPropertySignature(member) ||
      ts.isMethodSignature(member) ||
      ts.isPropertyAssignment(member) ||
      ts.isShorthandPropertyAssignment(member);
    return isField ? nameOf(member.name) : undefined;
  });
  return names.every((name) => name !== undefined) ? names : undefined;
};

const membersOf = (node: ts.Node): readonly ts.Node[] | undefined => {
  // What an interface inherits is declared elsewhere: with that it is another shape.
  if (ts.isInterfaceDeclaration(node)) return node.heritageClauses ? undefined : node.members;
  if (ts.isTypeLiteralNode(node)) return node.members;
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return undefined;
  const { expression, name } = node.expression;
  if (!ts.isIdentifier(expression) || expression.text !== 'z' || !objectSchemas.has(name.text))
    return undefined;
  const [fields] = node.arguments;
  return fields && ts.isObjectLiteralExpression(fields) ? fields.properties : undefined;
};

const isNamed = (
  node: ts.Node,
): node is ts.InterfaceDeclaration | ts.TypeAliasDeclaration | ts.VariableDeclaration | ts.ClassDeclaration =>
  ts.isInterfaceDeclaration(node) ||
  ts.isTypeAliasDeclaration(node) ||
  ts.isVariableDeclaration(node) ||
  ts.isClassDeclaration(node);

/** Name of the innermost declaration that a node stands in. */
const declaredIn = (node: ts.Node): string => {
  for (let at = node; !ts.isSourceFile(at); at = at.parent) {
    if (isNamed(at) && at.name && ts.isIdentifier(at.name)) return at.name.text;
  }
  return 'nameless';
};

/** Every shape of enough fields that a file declares. Reads the syntax only. */
export const shapesIn = (file: string, text: string): DeclaredShape[] => {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const shapes: DeclaredShape[] = [];
  const visit = (node: ts.Node): void => {
    const members = membersOf(node);
    const names = members && namesOf(members);
    if (names && names.length >= LEAST_FIELDS) {
      const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
      shapes.push({ fields: [...names].sort(), file, line, name: declaredIn(node) });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return shapes;
};

/** Shapes that have the very same fields as another one, together. */
export const duplicatesAmong = (shapes: readonly DeclaredShape[]): DeclaredShape[][] => {
  const bySet = new Map<string, DeclaredShape[]>();
  for (const shape of shapes) {
    const key = shape.fields.join(' ');
    bySet.set(key, [...(bySet.get(key) ?? []), shape]);
  }
  return [...bySet.values()].filter((same) => same.length > 1);
};
