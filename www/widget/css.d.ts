/** Styles of the widget come as text: they live in its shadow. */
declare module "*.css" {
  const text: string;
  export default text;
}
