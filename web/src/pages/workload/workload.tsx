export default function Page(_: { readonly tab?: string }) {
  return null
}
